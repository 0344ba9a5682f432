/* Numbers of people in a text: mobile numbers, landlines, identity numbers, cards, device numbers, with their check
 * digits and what may touch them. The twins are guard/view.py and the detectors of guard/detectors that are named here. */
#include "found.h"

#define MOST_DIGITS 19
#define SPACED 72
#define MOST_GROUPS MOST_DIGITS

enum { CN_ID, BANK_CARD, CN_MOBILE, CN_LANDLINE, IMEI, KINDS, ABROAD = KINDS, NAMES };

typedef struct {
    Py_ssize_t start, end;
} Place;

/* Neighbouring groups of digits read as one number: its digits (a final X too), and where its groups stand. */
typedef struct {
    char digits[MOST_DIGITS + 2];
    int length, groups;
    const Place *group;
    Py_ssize_t start, end;
} Number;

typedef struct {
    Text text;
    PyObject *found;  /* a list */
    PyObject *view;   /* what the functions are asked about */
    PyTypeObject *made; /* the type of what is put into it, a tuple of four */
    PyObject *names;  /* of the kinds */
    PyObject *named[KINDS]; /* (view) -> the places before which a key word stands; None: there is no such word */
    PyObject *places[KINDS]; /* what they said, once it was asked for */
    PyObject *prefixed; /* (view, start) -> start, where a country code stands before the number */
} Search;

/* ---- the gaps between the groups ---- */

static Py_ssize_t gap_size(const Number *number, int n) { return number->group[n + 1].start - number->group[n].end; }

static int same_gap(const Text *text, const Number *number, int one, int other) {
    Py_ssize_t size = gap_size(number, one);
    if (size != gap_size(number, other)) return 0;
    for (Py_ssize_t k = 0; k < size; k++)
        if (at(text, number->group[one].end + k) != at(text, number->group[other].end + k)) return 0;
    return 1;
}

/* The gaps from `first` on, but for `skipped` (-1: none), are all the same. */
static int are_same(const Text *text, const Number *number, int first, int skipped) {
    int one = -1;
    for (int n = first; n < number->groups - 1; n++) {
        if (n == skipped) continue;
        if (one >= 0 && !same_gap(text, number, one, n)) return 0;
        if (one < 0) one = n;
    }
    return 1;
}

static int first_gap(const Number *number, int first, int skipped) {
    if (first == skipped) first++;
    return first < number->groups - 1 ? first : -1;
}

static Py_UCS4 gap_character(const Text *text, const Number *number, int n) {
    return gap_size(number, n) == 1 ? at(text, number->group[n].end) : NOTHING;
}

static int gap_is_space(const Text *text, const Number *number, int n) {
    for (Py_ssize_t place = number->group[n].end; place < number->group[n + 1].start; place++)
        if (!is_space(at(text, place))) return 0;
    return 1;
}

/* Whether the line in which a number stands has text before it, in the 24 characters that are looked at. */
static int has_text_before(const Text *text, Py_ssize_t start) {
    Py_ssize_t least = start > 24 ? start - 24 : 0;
    for (Py_ssize_t place = start - 1; place >= least; place--) {
        Py_UCS4 c = at(text, place);
        if (c == '\n') return 0;
        if (!is_space(c) && !is_digit(c)) return 1;
    }
    return 0;
}

/* The one gap that the end of a wrapped line made, or -1 (detectors.base.unbroken). */
static int line_gap(const Text *text, const Number *number) {
    int line = -1;
    for (Py_ssize_t place = number->start; place < number->end; place++)
        if (at(text, place) >= 128) return -1;
    for (int n = 0; n < number->groups - 1; n++) {
        int breaks = 0;
        for (Py_ssize_t place = number->group[n].end; place < number->group[n + 1].start; place++)
            breaks += at(text, place) == '\n';
        if (breaks != 1) continue;
        if (line >= 0) return -1;
        line = n;
    }
    return line >= 0 && has_text_before(text, number->start) ? line : -1;
}

static int is_even(const Text *text, const Number *number) { return are_same(text, number, 0, -1); }

/* ---- what touches a number ---- */

static int is_decimal_beside(const Text *text, Py_ssize_t point, Py_ssize_t digit) {
    Py_UCS4 c = at(text, digit);
    return at(text, point) == '.' && c != NOTHING && Py_UNICODE_ISDIGIT(c);
}

static int is_alone(const Text *text, const Number *number) {
    Py_ssize_t start = number->start, end = number->end;
    if (is_decimal_beside(text, start - 1, start - 2) || is_decimal_beside(text, end, end + 1)) return 0;
    if (!is_word(at(text, start - 1)) && !is_word(at(text, end))) return 1;
    int before = 0, after = 0, letters = 1;
    for (; before < 12 && is_word(at(text, start - 1 - before)); before++) letters &= is_letter(at(text, start - 1 - before));
    for (; after < 12 && is_word(at(text, end + after)); after++) letters &= is_letter(at(text, end + after));
    if ((before && after) || !letters) return 0;
    return number->groups < 2 || (before > 1 && !after);
}

/* ---- check digits ---- */

static int luhn(const Number *number) {
    int sum = 0;
    for (int n = 0; n < number->length; n++) {
        int value = number->digits[number->length - 1 - n] - '0';
        if (n & 1) value = value > 4 ? 2 * value - 9 : 2 * value;
        sum += value;
    }
    return sum % 10 == 0;
}

static int resident_check(const char *digits) {
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int n = 0; n < 17; n++) sum += weights[n] * (digits[n] - '0');
    return "10X98765432"[sum % 11] == digits[17];
}

static int two(const char *digits) { return (digits[0] - '0') * 10 + digits[1] - '0'; }

static int is_day(const char *digits) {
    int month = two(digits), day = two(digits + 2);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int is_province(int code) {
    return (code >= 11 && code <= 15) || (code >= 21 && code <= 23) || (code >= 31 && code <= 37) ||
           (code >= 41 && code <= 46) || (code >= 50 && code <= 54) || (code >= 61 && code <= 65) || code == 71 ||
           code == 81 || code == 82;
}

/* ISO/IEC 7812 ranges as bank_card._ISSUERS has them. */
static int is_issued(const char *d, int length) {
    int head = two(d), third = d[2] - '0', six = 0;
    for (int n = 0; n < 6; n++) six = six * 10 + d[n] - '0';
    if (head == 62 && length >= 16 && length <= 19) return 1;
    if (d[0] == '4' && (length == 13 || length == 16 || length == 19)) return 1;
    if (length == 16 && ((head >= 50 && head <= 55) || (head >= 22 && head <= 27) || head == 35)) return 1;
    if (length == 16 && ((head == 60 && third == 1 && d[3] == '1') || head == 65 || (head == 64 && third >= 4))) return 1;
    if (length == 15 && (head == 34 || head == 37)) return 1;
    if (length == 14 && ((head == 30 && third <= 5) || head == 36 || head == 38 || head == 39)) return 1;
    if (length < 16 || length > 19) return 0;
    return six == 436742 || head == 45 || six / 100 == 9558 || six / 1000 == 955 || head == 60 || head == 68 ||
           head == 80 || head == 81 || head == 90 || head == 94 || head == 96;
}

/* ---- what each kind is: a score, 0 for none, or -1 with an exception ---- */

static double if_named(Search *search, int kind, const Number *number, double score) {
    if (search->named[kind] == Py_None) return 0;
    if (!search->places[kind]) {
        PyObject *places = PyObject_CallOneArg(search->named[kind], search->view);
        if (!places) return -1;
        if (!PySet_Check(places)) return Py_DECREF(places), PyErr_SetString(PyExc_TypeError, "places are a set"), -1;
        search->places[kind] = places;
    }
    PyObject *start = PyLong_FromSsize_t(number->start);
    if (!start) return -1;
    int is_named = PySet_Contains(search->places[kind], start);
    Py_DECREF(start);
    return is_named < 0 ? -1 : is_named ? score : 0;
}

static double judge_id(Search *search, const Number *number) {
    const char *d = number->digits;
    if (number->length == 18) {
        if (d[0] != '0' && is_day(d + 10) && resident_check(d)) return 1;
        return if_named(search, CN_ID, number, 0.9);
    }
    if (number->length != 15 || !is_even(&search->text, number)) return 0;
    if (is_province(two(d)) && is_day(d + 8)) return 0.8;
    return if_named(search, CN_ID, number, 0.9);
}

static double judge_card(Search *search, const Number *number) {
    if (number->length < 12 || number->digits[number->length - 1] == 'X') return 0;
    int line = line_gap(&search->text, number), first = first_gap(number, 0, line);
    if (first >= 0) {
        Py_UCS4 c = gap_character(&search->text, number, first);
        if (c != ' ' && c != '-' && c != 0xB7 && c != 0x2014) return 0;
        if (!are_same(&search->text, number, 0, line)) return 0;
    }
    if (number->length >= 13 && is_issued(number->digits, number->length) && luhn(number)) return 1;
    return if_named(search, BANK_CARD, number, 0.8);
}

static Py_ssize_t group_length(const Number *number, int n) { return number->group[n].end - number->group[n].start; }

static int ends_in_344(const Number *number) {
    int last = number->groups - 1;
    return last >= 2 && group_length(number, last) == 4 && group_length(number, last - 1) == 4 &&
           group_length(number, last - 2) == 3;
}

static double judge_mobile(Search *search, const Number *number) {
    const char *d = number->digits;
    int length = number->length, skipped, from = 0;
    if (length == 13 && !memcmp(d, "86", 2)) d += 2;
    else if (length == 15 && !memcmp(d, "0086", 4)) d += 4;
    else if (length != 11) return 0;
    if (d[0] != '1' || d[1] < '3') return 0;
    skipped = line_gap(&search->text, number);
    int gaps = number->groups - 1 - (skipped >= 0);
    if (length > 11 && gaps > 1) from = first_gap(number, 0, skipped) + 1;
    int first = first_gap(number, from, skipped);
    if (first < 0) return 1;
    Py_UCS4 c = gap_character(&search->text, number, first);
    if (c != ' ' && gap_is_space(&search->text, number, first)) return 0;
    if ((c == '.' || c == '/' || c == '_') && !ends_in_344(number)) return 0;
    return are_same(&search->text, number, from, skipped);
}

static int area_of(const char *d) {
    if (d[0] != '0') return 0;
    if ((d[1] == '1' && d[2] == '0') || d[1] == '2') return 3;
    return d[1] >= '3' ? 4 : 0;
}

static int has_point(const Text *text, const Number *number) {
    for (int n = 0; n < number->groups - 1; n++)
        for (Py_ssize_t place = number->group[n].end; place < number->group[n + 1].start; place++)
            if (at(text, place) == '.') return 1;
    return 0;
}

static double judge_landline(Search *search, const Number *number) {
    const char *d = number->digits;
    if (number->groups > 4 || (number->groups == 1 && is_letter(at(&search->text, number->start - 1)))) return 0;
    if (number->length == 11 || number->length == 12) {
        int area = area_of(d), local = number->length - area;
        if (area && (local == 7 || local == 8) && d[area] > '1' && !has_point(&search->text, number)) return 0.9;
    }
    if ((number->length != 7 && number->length != 8) || d[0] < '2' || !is_even(&search->text, number)) return 0;
    return if_named(search, CN_LANDLINE, number, 0.8);
}

static double judge_device(Search *search, const Number *number) {
    if (number->length != 15 || !is_even(&search->text, number)) return 0;
    double named = if_named(search, IMEI, number, 1);
    if (named) return named;
    int body = two(number->digits);
    return number->groups == 1 && (body == 1 || body == 35 || body == 86 || body == 99) && luhn(number) ? 0.7 : 0;
}

/* ---- what is found ---- */

/* Where a mobile number begins when +86 stands before it; -1 with an exception. */
static Py_ssize_t with_prefix(Search *search, Py_ssize_t start) {
    int has_six = 0;
    for (Py_ssize_t place = start > 8 ? start - 8 : 0; place < start; place++) has_six |= at(&search->text, place) == '6';
    if (!has_six) return at(&search->text, start - 1) == '+' ? start - 1 : start;
    PyObject *told = PyObject_CallFunction(search->prefixed, "On", search->view, start);
    if (!told) return -1;
    Py_ssize_t place = PyLong_AsSsize_t(told);
    Py_DECREF(told);
    return place;
}

/* Whether the 1 of a mobile number is a country's code: behind a plus, or set off from area and exchange. */
static int is_american(Search *search, const Number *number, Py_ssize_t start) {
    if (number->length != 11) return 0;
    if (start < number->start) return start == number->start - 1 && at(&search->text, start) == '+';
    return number->groups == 4 && group_length(number, 0) == 1 && group_length(number, 1) == 3 &&
           group_length(number, 2) == 3 && number->digits[4] > '1';
}

static int add(Search *search, int kind, const Number *number, double score) {
    Py_ssize_t start = number->start;
    if (kind == CN_MOBILE) start = with_prefix(search, start);
    if (start < 0) return -1;
    if (kind == CN_MOBILE && is_american(search, number, start)) kind = ABROAD;
    PyObject *item = found_at(search->made, PyTuple_GET_ITEM(search->names, kind), start, number->end, score);
    if (!item) return -1;
    int failed = PyList_Append(search->found, item);
    Py_DECREF(item);
    return failed;
}

static int judge(Search *search, const Number *number) {
    static double (*const judges[KINDS])(Search *, const Number *) = {judge_id, judge_card, judge_mobile,
                                                                           judge_landline, judge_device};
    for (int kind = 0; kind < KINDS; kind++) {
        double score = judges[kind](search, number);
        if (score < 0) return -1;
        if (score > 0 && is_alone(&search->text, number) && add(search, kind, number, score) < 0) return -1;
    }
    return 0;
}

static int is_wanted(int length) { return length == 7 || length == 8 || (length >= 11 && length <= MOST_DIGITS); }

/* Every reading that begins with the first of these groups; `is_last`: no group of the run follows them. */
static int read_from(Search *search, const Place *groups, int count, const char *single, int has_x, int is_last) {
    Number number = {{0}, 0, 0, groups, groups[0].start, 0};
    for (int n = 0; n < count; n++) {
        Py_ssize_t size = groups[n].end - groups[n].start;
        if (number.length + size > MOST_DIGITS || groups[n].end - number.start > SPACED - 8) break;
        for (Py_ssize_t place = groups[n].start; place < groups[n].end; place++)
            number.digits[number.length++] = (char)('0' + value_of(at(&search->text, place)));
        number.groups = n + 1;
        number.end = groups[n].end;
        if (n && single[n - 1] && single[n] && single[n + 1]) continue;
        if (has_x && is_last && n == count - 1 && number.length == 17) {
            number.digits[number.length++] = 'X';
            number.end++;
        }
        if (is_wanted(number.length) && judge(search, &number) < 0) return -1;
        if (number.digits[number.length - 1] == 'X') break;
    }
    return 0;
}

static Py_ssize_t group_end(const Text *text, Py_ssize_t place) {
    while (value_of(at(text, place)) >= 0) place++;
    return place;
}

/* Where the next group of the same run begins, or -1. */
static Py_ssize_t next_group(const Text *text, Py_ssize_t end) {
    for (int gap = 0; gap <= 3; gap++) {
        if (value_of(at(text, end + gap)) >= 0) return gap ? end + gap : -1;
        if (!is_separator(at(text, end + gap))) return -1;
    }
    return -1;
}

/* A window over the groups of a run: those with which a number may begin, and as many more as it may have. */
typedef struct {
    Place group[MOST_GROUPS + 2];
    char single[MOST_GROUPS + 4]; /* of the group before the first, of the groups, and one behind them */
    int count;
} Window;

static void fill(const Text *text, Window *window) {
    while (window->count < MOST_GROUPS + 2) {
        Py_ssize_t start = next_group(text, window->group[window->count - 1].end);
        if (start < 0) break;
        Place place = {start, group_end(text, start)};
        window->group[window->count] = place;
        window->single[++window->count] = place.end - place.start == 1;
    }
    window->single[window->count + 1] = 0;
}

/* Digits of a run, no more than are asked for. */
static int has_digits(const Text *text, Py_ssize_t start, int wanted) {
    while (start >= 0 && wanted > 0) {
        Py_ssize_t end = group_end(text, start);
        wanted -= end - start > wanted ? wanted : (int)(end - start);
        start = next_group(text, end);
    }
    return wanted <= 0;
}

/* Reads a run that begins at `start`; where it ends, or -1 with an exception. */
static Py_ssize_t read_run(Search *search, Py_ssize_t start) {
    const Text *text = &search->text;
    Window window = {{{start, group_end(text, start)}}, {0}, 1};
    int is_wide = has_digits(text, start, 5);
    window.single[1] = window.group[0].end - start == 1;
    for (int is_first = 1;; is_first = 0) {
        fill(text, &window);
        int is_last = window.count <= MOST_GROUPS + 1;
        int whole = is_last ? window.count : MOST_GROUPS;
        Py_ssize_t end = window.group[window.count - 1].end;
        Py_UCS4 x = at(text, end);
        int has_x = is_last && (x == 'X' || x == 'x');
        /* A row of single digits is read from its first to its last. */
        int is_within = !is_first && window.single[0] && window.single[1] && window.single[2];
        if (is_wide && !is_within && read_from(search, window.group, whole, window.single + 1, has_x, is_last) < 0) return -1;
        if (window.count == 1) return end + has_x;
        memmove(window.group, window.group + 1, sizeof(Place) * (size_t)(window.count - 1));
        memmove(window.single, window.single + 1, (size_t)window.count);
        window.count--;
    }
}

static int search_all(Search *search) {
    for (Py_ssize_t place = 0; place < search->text.length;) {
        if (value_of(at(&search->text, place)) < 0) place++;
        else if ((place = read_run(search, place)) < 0) return -1;
    }
    return 0;
}

static PyObject *numbers(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 6 || !PyUnicode_Check(args[1]) || !PyType_Check(args[2]) || !PyTuple_Check(args[3]) || !PyTuple_Check(args[4]) ||
        PyTuple_GET_SIZE(args[3]) != NAMES || PyTuple_GET_SIZE(args[4]) != KINDS)
        return PyErr_SetString(PyExc_TypeError, "a view, its text, a type, names, key words and a function"), NULL;
    PyTypeObject *made = (PyTypeObject *)args[2];
    if (!PyType_IsSubtype(made, &PyTuple_Type)) return PyErr_SetString(PyExc_TypeError, "findings are tuples"), NULL;
    Search search = {.text = text_of(args[1]), .view = args[0], .made = made, .names = args[3], .prefixed = args[5]};
    for (int kind = 0; kind < KINDS; kind++) search.named[kind] = PyTuple_GET_ITEM(args[4], kind);
    if (!(search.found = PyList_New(0))) return NULL;
    int failed = search_all(&search);
    for (int kind = 0; kind < KINDS; kind++) Py_XDECREF(search.places[kind]);
    if (failed) Py_CLEAR(search.found);
    return search.found;
}

static PyMethodDef methods[] = {
    {"numbers", (PyCFunction)(void (*)(void))numbers, METH_FASTCALL,
     "(view, text, type, names, named, prefixed) -> what is found."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "numbers", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_numbers(void) { return PyModuleDef_Init(&module); }
