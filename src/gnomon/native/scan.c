/* Which features a text has, in one pass over its characters: key words, and short shapes such as three digits, a
 * hyphen, two digits. The twin is guard/scan.py over guard/quick.py's tables. */
#include "text.h"

#define MOST_ITEMS 24
#define MOST_SHAPES 128 /* that something may begin with */
#define MOST_RUN 24
#define OTHER 127 /* stands for a second character beyond ASCII */
#define MOST_CLASSES 60
/* Among the classes of a character stand too: a literal begins with it; a letter or digit; those, + and /; a digit. */
#define LITERAL ((uint64_t)1 << 63)
#define WORD ((uint64_t)1 << 62)
#define CODED ((uint64_t)1 << 61)
#define DIGIT ((uint64_t)1 << 60)
#define NO_FEATURES UINT64_MAX
#define NO_CLASS 255
#define NO_SHAPE UINT32_MAX
#define ALWAYS static inline __attribute__((always_inline))

/* Characters of a class, or (NO_CLASS) one character, in either case where it is a small letter. */
typedef struct {
    uint8_t class, least, most;
    Py_UCS4 one;
} Item;

typedef struct {
    Item items[MOST_ITEMS];
    uint8_t count, not_before, not_after;
    uint8_t probe, offset;          /* the item that is looked at first, so many characters on */
    uint8_t run_least; /* letters, digits, + and / in a row with which it begins */
    uint8_t digits_least, digits_most; /* digits in a row with which it begins, where it begins with one */
    uint64_t bits, needs, signs[2]; /* classes and ASCII characters without which it cannot be */
} Shape;

typedef struct {
    uint32_t begin, length, tail; /* tail: a shape that must follow */
    uint64_t bits;
} Literal;

/* What is known of one character: its classes, and the literals that begin with it. */
typedef struct {
    Py_UCS4 character;
    uint32_t first, count;
    uint64_t classes;
} Sign;

/* A set of the shapes with which something may begin. */
typedef struct {
    uint64_t word[2];
} Set;

typedef struct {
    PyObject_HEAD
    Sign ascii[128];
    uint16_t pairs[128][128]; /* the first literal, from 1, that begins with two ASCII characters; with one: [c][OTHER] */
    uint8_t plane[8192];      /* characters up to U+FFFF of which anything is known */
    Sign *signs;              /* the others: a hash table of size `slots`, a power of two, never full */
    size_t slots;
    Py_UCS4 *odd;             /* pairs of first and last */
    Py_ssize_t odd_count;
    Shape *shapes;
    Py_ssize_t shape_count;
    uint64_t starts;          /* classes with which shapes begin */
    Set of_class[MOST_CLASSES], of_ascii[128]; /* shapes that begin with a character */
    Set seconds[128];         /* shapes in which an ASCII character may be second */
    Set of_digits[MOST_RUN + 1]; /* shapes that may begin with so many digits in a row, or more for the last */
    Set within;               /* shapes that may begin behind a letter or digit */
    uint64_t inside[128][2];  /* within a word: after an ASCII character, those with which anything may begin */
    Set of_runs[MOST_RUN + 1]; /* shapes for which so long a run of letters, digits, + and / is enough */
    Literal *literals;
    Py_ssize_t literal_count;
    Py_UCS4 *letters;
    Py_ssize_t letter_count;
    uint64_t odd_bit, seven_bit, eleven_bit;
} Scanner;

ALWAYS Sign *slot_of(const Scanner *self, Py_UCS4 c) {
    size_t place = (c * 2654435761u >> 7) & (self->slots - 1);
    while (self->signs[place].character != c && self->signs[place].character != NOTHING)
        place = (place + 1) & (self->slots - 1);
    return &self->signs[place];
}

ALWAYS int is_known(const Scanner *self, Py_UCS4 c) {
    return c >= 0x10000 || (self->plane[c >> 3] >> (c & 7) & 1);
}

static int is_odd(const Scanner *self, Py_UCS4 c) {
    Py_ssize_t low = 0, high = self->odd_count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (c < self->odd[2 * middle]) high = middle;
        else if (c > self->odd[2 * middle + 1]) low = middle + 1;
        else return 1;
    }
    return 0;
}

/* A text being scanned: with each of its characters, its classes. */
typedef struct {
    const Scanner *scanner;
    Text text;
    uint64_t *classes; /* one more than there are characters, the last of none */
    uint64_t fired, all, signs[2]; /* all: the classes there are; signs: the ASCII characters */
} Scan;

ALWAYS uint64_t classes_at(const Scan *scan, Py_ssize_t place) {
    return place >= 0 && place < scan->text.length ? scan->classes[place] : 0;
}

ALWAYS int is_of(const Scan *scan, Item item, Py_ssize_t place) {
    if (item.class != NO_CLASS) return classes_at(scan, place) >> item.class & 1;
    Py_UCS4 c = at(&scan->text, place);
    return c == item.one || (is_capital(c) && c + 32 == item.one);
}

/* Whether the items of a shape from the n-th on match at a place. */
static int follows(const Scan *scan, const Shape *shape, int n, Py_ssize_t place) {
    for (; n < shape->count; n++) {
        Item item = shape->items[n];
        int taken = 0;
        while (taken < item.most && is_of(scan, item, place + taken)) taken++;
        if (taken < item.least) return 0;
        for (; taken > item.least; taken--)
            if (follows(scan, shape, n + 1, place + taken)) return 1;
        place += taken;
    }
    return shape->not_after == NO_CLASS || !(classes_at(scan, place) >> shape->not_after & 1);
}

static int fits(const Scan *scan, const Shape *shape, Py_ssize_t place) {
    if (shape->not_before != NO_CLASS && (classes_at(scan, place - 1) >> shape->not_before & 1)) return 0;
    return follows(scan, shape, 0, place);
}

static void try_literal(Scan *scan, const Literal *literal, Py_ssize_t place) {
    const Py_UCS4 *letters = scan->scanner->letters + literal->begin;
    uint32_t same = 1;
    if (!(literal->bits & ~scan->fired)) return;
    while (same < literal->length && lower(at(&scan->text, place + same)) == letters[same]) same++;
    if (same < literal->length) return;
    if (literal->tail == NO_SHAPE || follows(scan, &scan->scanner->shapes[literal->tail], 0, place + same))
        scan->fired |= literal->bits;
}

/* Literals lie sorted: those that begin with the same two characters are neighbours. */
static void try_literals(Scan *scan, Py_UCS4 c, Py_UCS4 next, Py_ssize_t place) {
    const Scanner *self = scan->scanner;
    if (c >= 128) {
        const Sign *sign = slot_of(self, c);
        for (uint32_t n = 0; n < sign->count; n++) try_literal(scan, &self->literals[sign->first + n], place);
        return;
    }
    Py_UCS4 second = next < OTHER ? next : OTHER;
    uint32_t first = self->pairs[c][second];
    if (!first) return;
    for (uint32_t n = first - 1; n < (uint32_t)self->literal_count; n++) {
        const Py_UCS4 *letters = self->letters + self->literals[n].begin;
        if (letters[0] != lower(c) || (second != OTHER && letters[1] != lower(next))) return;
        try_literal(scan, &self->literals[n], place);
    }
}

static Set beginning_with(const Scan *scan, Py_UCS4 c, uint64_t classes) {
    if (c < 128) return scan->scanner->of_ascii[c];
    Set set = {{0, 0}};
    for (uint64_t left = classes & scan->scanner->starts; left; left &= left - 1) {
        const Set *more = &scan->scanner->of_class[__builtin_ctzll(left)];
        set.word[0] |= more->word[0];
        set.word[1] |= more->word[1];
    }
    return set;
}

ALWAYS void narrow(Set *set, const Set *to) {
    set->word[0] &= to->word[0];
    set->word[1] &= to->word[1];
}

static void try_shape(Scan *scan, const Shape *shape, Py_ssize_t place) {
    if (!(shape->bits & ~scan->fired) || (shape->needs & ~scan->all)) return;
    if ((shape->signs[0] & ~scan->signs[0]) || (shape->signs[1] & ~scan->signs[1])) return;
    if (!is_of(scan, shape->items[shape->probe], place + shape->offset)) return;
    if (fits(scan, shape, place)) scan->fired |= shape->bits;
}

/* How many characters of a kind stand in a row; MOST_RUN are enough to know. */
ALWAYS int run_of(const Scan *scan, Py_ssize_t place, uint64_t kind) {
    int run = 0;
    while (run < MOST_RUN && (scan->classes[place + run] & kind)) run++; /* ends at the last, which is of none */
    return run;
}

ALWAYS void try_shapes(Scan *scan, Py_UCS4 c, Py_UCS4 next, Py_ssize_t place) {
    const Scanner *self = scan->scanner;
    Set set = beginning_with(scan, c, scan->classes[place]);
    if (next < 128) narrow(&set, &self->seconds[next]);
    if (classes_at(scan, place - 1) & WORD) narrow(&set, &self->within);
    else if ((set.word[0] | set.word[1]) && c < 128) narrow(&set, &self->of_runs[run_of(scan, place, CODED)]);
    if ((scan->classes[place] & DIGIT) && (set.word[0] | set.word[1]))
        narrow(&set, &self->of_digits[run_of(scan, place, DIGIT)]);
    for (int word = 0; word < 2; word++)
        for (; set.word[word]; set.word[word] &= set.word[word] - 1)
            try_shape(scan, &self->shapes[64 * word + __builtin_ctzll(set.word[word])], place);
}

/* What may begin at each place: literals, then shapes. Within a Latin word, two characters tell for most. */
ALWAYS void try_all(Scan *scan, Text text, uint64_t enough) {
    const Scanner *self = scan->scanner;
    uint64_t begin = LITERAL | self->starts, before = 0;
    for (Py_ssize_t place = 0; place < text.length && !(scan->fired & enough); place++) {
        uint64_t classes = scan->classes[place], behind = before;
        before = classes;
        if (!(classes & begin)) continue;
        Py_UCS4 c = PyUnicode_READ(text.kind, text.data, place), next = at(&text, place + 1);
        if (c < 128 && next < 128 && (behind & WORD) && !(self->inside[c][next >> 6] >> (next & 63) & 1)) continue;
        if (classes & LITERAL) try_literals(scan, c, next, place);
        if (classes & self->starts) try_shapes(scan, c, next, place);
    }
}

/* Fills in what is known of each character; odd characters and long numbers have fired then. */
ALWAYS void classify(Scan *scan, Text text) {
    const Scanner *self = scan->scanner;
    uint64_t all = 0, signs[2] = {0, 0};
    int run = 0, gap = 0, longest = 0;
    for (Py_ssize_t place = 0; place < text.length; place++) {
        Py_UCS4 c = PyUnicode_READ(text.kind, text.data, place);
        if (c < 128) {
            all |= scan->classes[place] = self->ascii[c].classes;
            signs[c >> 6] |= (uint64_t)1 << (c & 63);
        } else if (is_known(self, c)) {
            all |= scan->classes[place] = slot_of(self, c)->classes;
            if (!(scan->fired & self->odd_bit) && is_odd(self, c)) scan->fired |= self->odd_bit;
        } else {
            scan->classes[place] = 0;
            run = 0;
            continue;
        }
        if (value_of(c) >= 0) {
            run++;
            gap = 0;
            longest = run > longest ? run : longest;
        } else if (run && (!is_separator(c) || ++gap > 3)) {
            run = gap = 0;
        }
    }
    scan->classes[text.length] = 0;
    scan->fired |= (longest >= 7 ? self->seven_bit : 0) | (longest >= 11 ? self->eleven_bit : 0);
    scan->all = all;
    scan->signs[0] = signs[0];
    scan->signs[1] = signs[1];
}

/* Compiled once for each width of characters. */
ALWAYS void scan_kind(Scan *scan, Text text, uint64_t enough) {
    classify(scan, text);
    if (scan->all & (LITERAL | scan->scanner->starts)) try_all(scan, text, enough);
}

#define ON_STACK 1024

/* The features of a text as bits, or NO_FEATURES with an exception where memory is gone. One of `enough` ends the search. */
static uint64_t scan_text(const Scanner *self, Text text, uint64_t enough) {
    uint64_t here[ON_STACK + 1];
    Scan scan = {self, text, here, 0, 0, {0, 0}};
    if (text.length > ON_STACK && !(scan.classes = PyMem_New(uint64_t, (size_t)text.length + 1)))
        return PyErr_NoMemory(), NO_FEATURES;
    if (text.kind == PyUnicode_1BYTE_KIND)
        scan_kind(&scan, (Text){PyUnicode_1BYTE_KIND, text.data, text.length}, enough);
    else if (text.kind == PyUnicode_2BYTE_KIND)
        scan_kind(&scan, (Text){PyUnicode_2BYTE_KIND, text.data, text.length}, enough);
    else
        scan_kind(&scan, (Text){PyUnicode_4BYTE_KIND, text.data, text.length}, enough);
    if (scan.classes != here) PyMem_Free(scan.classes);
    return scan.fired;
}

static PyObject *as_bits(uint64_t fired) {
    return fired == NO_FEATURES ? NULL : PyLong_FromUnsignedLongLong(fired);
}

static PyObject *scanner_text(PyObject *self, PyObject *string) {
    if (!PyUnicode_Check(string)) return PyErr_SetString(PyExc_TypeError, "a text is needed"), NULL;
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(string) < 0) return NULL;
#endif
    return as_bits(scan_text((Scanner *)self, text_of(string), 0));
}

/* One character of UTF-8 from `data`; what is none counts as one of no meaning. */
static Py_UCS4 decoded(const uint8_t *data, Py_ssize_t left, int *width) {
    uint8_t head = data[0];
    int more = head >= 0xF0 && head < 0xF8 ? 3 : head >= 0xE0 ? 2 : head >= 0xC0 ? 1 : 0;
    *width = 1;
    if (head < 0x80) return head;
    if (!more || head >= 0xF8 || left <= more) return 0xFFFD;
    Py_UCS4 c = head & (0x3F >> more);
    for (int n = 1; n <= more; n++) {
        if ((data[n] & 0xC0) != 0x80) return 0xFFFD;
        c = c << 6 | (data[n] & 0x3F);
    }
    *width = more + 1;
    return c < NOTHING ? c : 0xFFFD;
}

/* What an escape of JSON means: white space is what it is written for; NOTHING: it may hide something. */
static Py_UCS4 unescaped(uint8_t letter) {
    switch (letter) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': case 'U': case 'b': case 'B': case 'f': case 'F': case '/': return NOTHING;
    default: return 0;
    }
}

/* Characters of JSON as it stands, with its white space as it is meant; how many. `hides`: an escape may hide something. */
static Py_ssize_t decode_json(const uint8_t *data, Py_ssize_t size, Py_UCS4 *characters, int *hides) {
    Py_ssize_t count = 0;
    for (Py_ssize_t place = 0; place < size;) {
        int width = 1;
        Py_UCS4 c = data[place];
        if (c >= 0x80) {
            c = decoded(data + place, size - place, &width);
        } else if (c == '\\' && place + 1 < size) {
            Py_UCS4 meant = unescaped(data[place + 1]);
            *hides |= meant == NOTHING;
            if (meant && meant != NOTHING) c = meant, width = 2;
        }
        characters[count++] = c;
        place += width;
    }
    return count;
}

/* (data, escaped, enough): the same of JSON as it stands; `escaped` is the bit of an escape that may hide something. */
static PyObject *scanner_json(PyObject *self, PyObject *args) {
    Py_buffer view;
    unsigned long long escaped, enough;
    Py_UCS4 here[ON_STACK], *characters = here;
    int hides = 0;
    if (!PyArg_ParseTuple(args, "y*KK", &view, &escaped, &enough)) return NULL;
    if (view.len > ON_STACK && !(characters = PyMem_New(Py_UCS4, (size_t)view.len)))
        return PyBuffer_Release(&view), PyErr_NoMemory();
    Py_ssize_t count = decode_json(view.buf, view.len, characters, &hides);
    uint64_t fired = hides && (escaped & enough) ? 0 : scan_text((Scanner *)self, (Text){PyUnicode_4BYTE_KIND, characters, count}, enough);
    if (characters != here) PyMem_Free(characters);
    PyBuffer_Release(&view);
    return as_bits(fired == NO_FEATURES ? fired : fired | (hides ? escaped : 0));
}

/* ---- made once, from tables that guard/quick.py works out ---- */

static int take_class(Scanner *self, PyObject *string, int class) {
    for (Py_ssize_t n = 0; n < PyUnicode_GET_LENGTH(string); n++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(string, n);
        Sign *sign = c < 128 ? &self->ascii[c] : slot_of(self, c);
        sign->character = c;
        sign->classes |= (uint64_t)1 << class;
    }
    return 0;
}

static void know(Scanner *self, Py_UCS4 c) {
    if (c >= 128 && c < 0x10000) self->plane[c >> 3] |= (uint8_t)(1 << (c & 7));
}

static int is_class(int class) { return (class >= 0 && class < MOST_CLASSES) || class == NO_CLASS; }

static int take_shape(Shape *shape, PyObject *told) {
    PyObject *items;
    int before, after;
    unsigned long long wanted;
    int probe, offset, run, least, most;
    if (!PyArg_ParseTuple(told, "O!iiKiiiii", &PyTuple_Type, &items, &before, &after, &wanted, &probe, &offset, &run, &least,
                          &most))
        return -1;
    if (PyTuple_GET_SIZE(items) > MOST_ITEMS || !is_class(before) || !is_class(after))
        return PyErr_SetString(PyExc_ValueError, "a shape that is too long, or of no class"), -1;
    if (probe < 0 || (probe && probe >= PyTuple_GET_SIZE(items)) || offset < 0 || offset > 255 || run < 0 || run > 255 ||
        least < 0 || most > 255)
        return PyErr_SetString(PyExc_ValueError, "a probe outside of its shape"), -1;
    shape->probe = (uint8_t)probe;
    shape->offset = (uint8_t)offset;
    shape->run_least = (uint8_t)run;
    shape->digits_least = (uint8_t)least;
    shape->digits_most = (uint8_t)most;
    shape->count = (uint8_t)PyTuple_GET_SIZE(items);
    shape->not_before = (uint8_t)before;
    shape->not_after = (uint8_t)after;
    shape->bits = wanted;
    for (int n = 0; n < shape->count; n++) {
        int class, least, most;
        unsigned int one;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(items, n), "iiiI", &class, &least, &most, &one)) return -1;
        if (!is_class(class) || least < 0 || most < least || most > 255)
            return PyErr_SetString(PyExc_ValueError, "an item outside of its limits"), -1;
        shape->items[n] = (Item){(uint8_t)class, (uint8_t)least, (uint8_t)most, one};
        if (least && class != NO_CLASS) shape->needs |= (uint64_t)1 << class;
        if (least && class == NO_CLASS && one < 128 && !is_letter(one)) shape->signs[one >> 6] |= (uint64_t)1 << (one & 63);
    }
    return 0;
}

static void pair(uint64_t pairs[2], const Scanner *self, const Item *item) {
    for (Py_UCS4 c = 0; c < 128; c++)
        if (item->class == NO_CLASS ? lower(c) == lower(item->one) : (int)(self->ascii[c].classes >> item->class & 1))
            pairs[c >> 6] |= (uint64_t)1 << (c & 63);
}

/* Which ASCII characters may stand second in a shape. */
static void seconds(uint64_t pairs[2], const Scanner *self, const Shape *shape) {
    if (shape->items[0].most > 1) pair(pairs, self, &shape->items[0]);
    if (shape->items[0].least > 1) return;
    for (int n = 1; n < shape->count; n++) {
        pair(pairs, self, &shape->items[n]);
        if (shape->items[n].least) return;
    }
    pairs[0] = pairs[1] = UINT64_MAX; /* it may end after one */
}

/* Whether a shape cannot begin behind a letter or digit. */
static int is_fresh(const Scanner *self, const Shape *shape) {
    for (Py_UCS4 c = 0; c < 128; c++)
        if (is_word(c) && (shape->not_before == NO_CLASS || !(self->ascii[c].classes >> shape->not_before & 1))) return 0;
    return 1;
}

static void put(Set *set, Py_ssize_t n) { set->word[n >> 6] |= (uint64_t)1 << (n & 63); }

/* Files a shape under all that it may begin with. */
static void take_start(Scanner *self, Py_ssize_t n) {
    const Shape *shape = &self->shapes[n];
    uint8_t class = shape->items[0].class;
    uint64_t second[2] = {0, 0};
    seconds(second, self, shape);
    self->starts |= (uint64_t)1 << class;
    put(&self->of_class[class], n);
    for (Py_UCS4 c = 0; c < 128; c++) {
        if (self->ascii[c].classes >> class & 1) put(&self->of_ascii[c], n);
        if (second[c >> 6] >> (c & 63) & 1) put(&self->seconds[c], n);
    }
    for (int digits = 1; digits <= MOST_RUN; digits++)
        if ((digits >= shape->digits_least || digits == MOST_RUN) && digits <= shape->digits_most)
            put(&self->of_digits[digits], n);
    for (int run = 0; run <= MOST_RUN; run++)
        if (run >= shape->run_least || run == MOST_RUN) put(&self->of_runs[run], n);
    if (!is_fresh(self, shape)) put(&self->within, n);
}

static int take_shapes(Scanner *self, PyObject *shapes, Py_ssize_t starting) {
    self->shape_count = PyList_GET_SIZE(shapes);
    self->shapes = PyMem_Calloc((size_t)self->shape_count + 1, sizeof(Shape));
    if (!self->shapes) return PyErr_NoMemory(), -1;
    if (starting < 0 || starting > self->shape_count || starting > MOST_SHAPES) return PyErr_SetString(PyExc_ValueError, "too many shapes"), -1;
    for (Py_ssize_t n = 0; n < self->shape_count; n++)
        if (take_shape(&self->shapes[n], PyList_GET_ITEM(shapes, n)) < 0) return -1;
    for (Py_ssize_t n = 0; n < starting; n++) {
        if (!self->shapes[n].count || self->shapes[n].items[0].class == NO_CLASS)
            return PyErr_SetString(PyExc_ValueError, "a shape begins with a class"), -1;
        take_start(self, n);
    }
    return 0;
}

/* Literals come sorted by their first character and in small letters. */
static int take_literals(Scanner *self, PyObject *literals) {
    self->literal_count = PyList_GET_SIZE(literals);
    if (self->literal_count >= UINT16_MAX) return PyErr_SetString(PyExc_ValueError, "too many literals"), -1;
    self->literals = PyMem_Calloc((size_t)self->literal_count + 1, sizeof(Literal));
    if (!self->literals) return PyErr_NoMemory(), -1;
    for (int pass = 0; pass < 2; pass++) { /* first how many letters, then which */
        uint32_t letters = 0;
        for (Py_ssize_t n = 0; n < self->literal_count; n++) {
            PyObject *string;
            unsigned long long bits;
            long tail;
            if (!PyArg_ParseTuple(PyList_GET_ITEM(literals, n), "UKl", &string, &bits, &tail)) return -1;
            Py_ssize_t length = PyUnicode_GET_LENGTH(string);
            if (length < 2 || length > 1000 || tail >= self->shape_count)
                return PyErr_SetString(PyExc_ValueError, "a literal outside of its limits"), -1;
            if (pass) {
                self->literals[n] = (Literal){letters, (uint32_t)length, tail < 0 ? NO_SHAPE : (uint32_t)tail, bits};
                for (Py_ssize_t k = 0; k < length; k++) self->letters[letters + k] = PyUnicode_READ_CHAR(string, k);
            }
            letters += (uint32_t)length;
        }
        if (!pass && !(self->letters = PyMem_Calloc((size_t)letters + 1, sizeof(Py_UCS4)))) return PyErr_NoMemory(), -1;
    }
    return 0;
}

/* Both cases of a pair of ASCII characters. */
static void put_pair(Scanner *self, Py_UCS4 c, Py_UCS4 next, uint32_t n) {
    Py_UCS4 first[2] = {c, is_letter(c) ? c - 32 : c}, second[2] = {next, is_letter(next) ? next - 32 : next};
    for (int k = 0; k < 4; k++) {
        uint16_t *slot = &self->pairs[first[k & 1]][second[k >> 1]];
        if (!*slot) *slot = (uint16_t)(n + 1);
        self->ascii[first[k & 1]].classes |= LITERAL;
    }
}

static void index_literals(Scanner *self) {
    for (uint32_t n = 0; n < (uint32_t)self->literal_count; n++) {
        const Py_UCS4 *letters = self->letters + self->literals[n].begin;
        if (letters[0] < 128) {
            put_pair(self, letters[0], letters[1] < OTHER ? letters[1] : OTHER, n);
            continue;
        }
        Sign *sign = slot_of(self, letters[0]);
        if (!sign->count) sign->first = n;
        sign->character = letters[0];
        sign->count = n - sign->first + 1;
        sign->classes |= LITERAL;
    }
}

/* Once all else is known: what may begin within a word. */
static void index_inside(Scanner *self) {
    for (Py_UCS4 c = 0; c < 128; c++)
        for (Py_UCS4 next = 0; next < 128; next++) {
            Set set = self->of_ascii[c];
            narrow(&set, &self->seconds[next]);
            narrow(&set, &self->within);
            if (set.word[0] || set.word[1] || self->pairs[c][next < OTHER ? next : OTHER])
                self->inside[c][next >> 6] |= (uint64_t)1 << (next & 63);
        }
}

static int take_odd(Scanner *self, PyObject *ranges) {
    self->odd_count = PyList_GET_SIZE(ranges);
    self->odd = PyMem_Calloc((size_t)self->odd_count * 2 + 2, sizeof(Py_UCS4));
    if (!self->odd) return PyErr_NoMemory(), -1;
    for (Py_ssize_t n = 0; n < self->odd_count; n++) {
        unsigned int low, high;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(ranges, n), "II", &low, &high)) return -1;
        self->odd[2 * n] = low;
        self->odd[2 * n + 1] = high;
        for (Py_UCS4 c = low; c <= high && c < 0x10000; c++) know(self, c);
    }
    return 0;
}

static void know_ascii(Scanner *self) {
    for (Py_UCS4 c = 0; c < 128; c++) {
        if (is_word(c)) self->ascii[c].classes |= WORD | CODED;
        if (c == '+' || c == '/') self->ascii[c].classes |= CODED;
        if (is_digit(c)) self->ascii[c].classes |= DIGIT;
    }
}

static int take_classes(Scanner *self, PyObject *classes, PyObject *literals) {
    size_t characters = (size_t)PyList_GET_SIZE(literals);
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(classes); n++) {
        if (n >= MOST_CLASSES || !PyUnicode_Check(PyList_GET_ITEM(classes, n)))
            return PyErr_SetString(PyExc_ValueError, "too many classes, or one that is no text"), -1;
        characters += (size_t)PyUnicode_GET_LENGTH(PyList_GET_ITEM(classes, n));
    }
    for (self->slots = 64; self->slots < 2 * characters + 2;) self->slots *= 2;
    self->signs = PyMem_Calloc(self->slots, sizeof(Sign));
    if (!self->signs) return PyErr_NoMemory(), -1;
    for (size_t n = 0; n < self->slots; n++) self->signs[n].character = NOTHING;
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(classes); n++)
        if (take_class(self, PyList_GET_ITEM(classes, n), (int)n) < 0) return -1;
    return 0;
}

static void scanner_dealloc(PyObject *object) {
    Scanner *self = (Scanner *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->signs);
    PyMem_Free(self->odd);
    PyMem_Free(self->shapes);
    PyMem_Free(self->literals);
    PyMem_Free(self->letters);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *scanner_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *classes, *shapes, *literals, *odd;
    Py_ssize_t starting;
    unsigned long long odd_bit, seven, eleven;
    if (kwargs && PyDict_GET_SIZE(kwargs)) return PyErr_SetString(PyExc_TypeError, "no keywords here"), NULL;
    if (!PyArg_ParseTuple(args, "O!O!nO!O!KKK", &PyList_Type, &classes, &PyList_Type, &shapes, &starting, &PyList_Type,
                          &literals, &PyList_Type, &odd, &odd_bit, &seven, &eleven))
        return NULL;
    Scanner *self = (Scanner *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->odd_bit = odd_bit;
    self->seven_bit = seven;
    self->eleven_bit = eleven;
    if (take_classes(self, classes, literals) < 0 || take_shapes(self, shapes, starting) < 0 ||
        take_literals(self, literals) < 0 || take_odd(self, odd) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    know_ascii(self);
    index_literals(self);
    index_inside(self);
    for (size_t n = 0; n < self->slots; n++) know(self, self->signs[n].character);
    /* Chinese numerals and the separators of numbers carry runs on. */
    for (Py_UCS4 c = 128; c < 0x10000; c++)
        if (value_of(c) >= 0 || is_separator(c)) know(self, c);
    return (PyObject *)self;
}

static PyMethodDef scanner_methods[] = {
    {"text", scanner_text, METH_O, "The features of a text, as bits."},
    {"json", scanner_json, METH_VARARGS, "The features of JSON as it stands, as bits."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot scanner_slots[] = {
    {Py_tp_new, scanner_new}, {Py_tp_dealloc, scanner_dealloc}, {Py_tp_methods, scanner_methods}, {0, NULL}};
static PyType_Spec scanner_spec = {"gnomon.native.scan.Scanner", sizeof(Scanner), 0, Py_TPFLAGS_DEFAULT, scanner_slots};

static int made(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &scanner_spec, NULL);
    int failed = !type || PyModule_AddObjectRef(module, "Scanner", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "scan", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_scan(void) { return PyModuleDef_Init(&module); }
