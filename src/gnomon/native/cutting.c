/* Where a text that is still growing may be cut. The twin is guard/cutting.py, which says what the shapes are. */
#include "ask.h"

#define LONGEST 4096
#define SPACED 72
/* How far from the end the shapes of `cutting._BEGUN` have what they cannot be without. */
#define DIGIT_WINDOW 8    /* 2024年12月3日 （生 */
#define SIGN_WINDOW 20    /* 军字第 and ten digits */
#define DATE_WINDOW 24    /* September. 12th, 1990, and 12th September., 1990 with a month that is not whole yet */
#define BRACKET_WINDOW 32 /* (+0755) and twenty more */
#define BLOCK_WINDOW 80   /* -----BEGIN */
#define BREAK_WINDOW 64   /* what an address has behind a line's end */

/* What belongs to what, as cutting.py's patterns have it: sorted code points, given once. */
typedef struct {
    Py_UCS4 *point;
    Py_ssize_t count;
} Signs;

typedef struct {
    Signs token, opens; /* characters of a token; those that plates and officers' numbers begin with */
    uint8_t is_token[128], is_open[128];
} State;

static int has(const Signs *signs, Py_UCS4 c) {
    Py_ssize_t low = 0, high = signs->count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (signs->point[middle] == c) return 1;
        if (signs->point[middle] < c) low = middle + 1;
        else high = middle;
    }
    return 0;
}

static inline int is_token(const State *state, Py_UCS4 c) { return c < 128 ? state->is_token[c] : c != NOTHING && has(&state->token, c); }
static inline int is_open(const State *state, Py_UCS4 c) { return c < 128 ? state->is_open[c] : c != NOTHING && has(&state->opens, c); }

static inline int is_comma(Py_UCS4 c) { return c == ',' || c == 0xFF0C || c == 0x3001; }
static inline int is_joint(Py_UCS4 c) {
    return is_comma(c) || is_space(c) || c == 0xB7 || c == 0x2022 || c == 0x2014 || c == 0x2015 || c == 0xB0;
}

/* How long the token is that ends before `end`; not beyond `least`. */
static Py_ssize_t token_before(const State *state, const Text *text, Py_ssize_t least, Py_ssize_t end) {
    Py_ssize_t start = end;
    while (start > least && is_token(state, at(text, start - 1))) start--;
    return end - start;
}

/* `[\-./_]{0,2}[A-Z)）0-9]`, read backwards. */
static int has_left(const Text *text, Py_ssize_t least, Py_ssize_t end) {
    for (int n = 0; n < 2 && end > least; n++) {
        Py_UCS4 c = at(text, end - 1);
        if (c != '-' && c != '.' && c != '/' && c != '_') break;
        end--;
    }
    Py_UCS4 c = end > least ? at(text, end - 1) : NOTHING;
    return is_capital(c) || c == ')' || c == 0xFF09 || value_of(c) >= 0;
}

/* `[NSEW]?\s?°?\s?[0-9]{4,12}\.`, read backwards: only coordinates have commas. */
static int has_left_of_comma(const Text *text, Py_ssize_t least, Py_ssize_t end) {
#define BEFORE (end > least ? at(text, end - 1) : NOTHING)
    Py_UCS4 c = BEFORE;
    int digits = 0;
    end -= c == 'N' || c == 'S' || c == 'E' || c == 'W';
    end -= is_space(BEFORE);
    end -= BEFORE == 0xB0;
    end -= is_space(BEFORE);
    for (; digits < 12 && is_digit(BEFORE); digits++) end--;
    return digits >= 4 && BEFORE == '.';
#undef BEFORE
}

static int is_right(Py_UCS4 c) {
    return is_capital(c) || c == '(' || c == 0xFF08 || c == '+' || c == '-' || c == '.' || c == '/' || c == '_' || value_of(c) >= 0;
}

/* How much of the end may belong to one value with spaces in it; `length` of it is the last token. */
static Py_ssize_t joined(const State *state, const Text *text, Py_ssize_t least, Py_ssize_t length) {
    Py_ssize_t end = text->length;
    while (length < end - least) {
        Py_ssize_t joint = end - length, commas = 0;
        int size = 0;
        for (; size < 6 && joint > least && is_joint(at(text, joint - 1)); size++) commas += is_comma(at(text, --joint));
        if (!size) break;
        if (!(commas ? has_left_of_comma(text, least, joint) : has_left(text, least, joint))) break;
        if (length && !is_right(at(text, end - length))) break;
        Py_ssize_t token = token_before(state, text, least, joint);
        length = end - joint + (token ? token : 1);
    }
    return length < SPACED ? length : SPACED;
}

static int is_month(const Text *text, Py_ssize_t place) {
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    Py_UCS4 c = lower(at(text, place)), d = lower(at(text, place + 1)), e = lower(at(text, place + 2));
    for (int n = 0; n < 36; n += 3)
        if (c == (Py_UCS4)months[n] && d == (Py_UCS4)months[n + 1] && e == (Py_UCS4)months[n + 2]) return 1;
    return 0;
}

static Py_ssize_t later(Py_ssize_t start, Py_ssize_t other) { return start > other ? start : other; }

static int is_numeral(Py_UCS4 c) { return value_of(c) >= 0 || c == 0x5341 || c == 0x5EFF; } /* 十廿 */

static int begins_block(const Text *text, Py_ssize_t place) {
    static const char begin[] = "-----BEGIN";
    for (int n = 0; n < 10; n++)
        if (at(text, place + n) != (Py_UCS4)begin[n]) return 0;
    return 1;
}

/* What a date in English words is made of, and the extension of a telephone. */
static int is_written(Py_UCS4 c) { return is_space(c) || (c < 0x80 && (is_word(c) || c == '.' || c == ',')); }

/* Whether one of the shapes that values begin with may be in the end of the text. */
static int may_have_begun(const State *state, const Text *text, Py_ssize_t start) {
    Py_ssize_t end = text->length, written = end;
    while (written > later(start, end - DATE_WINDOW) && is_written(at(text, written - 1))) written--;
    for (Py_ssize_t place = later(start, end - BLOCK_WINDOW); place < end; place++) {
        Py_UCS4 c = at(text, place);
        if (c == '-' && begins_block(text, place)) return 1;
        if (end - place <= BRACKET_WINDOW && (c == '(' || c == 0xFF08)) return 1;
        if (end - place <= DATE_WINDOW && (is_month(text, place) || (is_digit(c) && place >= written))) return 1;
        if (end - place <= SIGN_WINDOW && is_open(state, c)) return 1;
        if (end - place <= DIGIT_WINDOW && is_numeral(c)) return 1;
    }
    return 0;
}

static int is_address(Py_UCS4 c) { return is_word(c) || c == '_' || c == '.' || c == '%' || c == '+' || c == '@' || c == '-'; }

/* Whether the text ends within an address that a line's end may have broken. */
static int may_be_broken(const Text *text, Py_ssize_t start) {
    Py_ssize_t place = text->length - 1;
    if (place >= start && at(text, place) == '\r') return 1;
    for (int n = 0; n <= BREAK_WINDOW && place >= start && is_address(at(text, place)); n++) place--;
    for (int n = 0; n < 4 && place >= start && (at(text, place) == ' ' || at(text, place) == '\t'); n++) place--;
    return place >= start && at(text, place) == '\n';
}

/* Whether a character is of no token, joins none and is in no shape that a value begins with (`cutting._SETTLED`). */
static int is_settled(const State *state, Py_UCS4 c) {
    static const Py_UCS4 in_shapes[] = {0x5341, 0x51FA, 0x53F7, 0x5B57, 0x5E74, 0x5EFF, 0x65E5, 0x6708, 0x751F, 0x7B2C, 0xFF08, 0xFF09};
    if (is_token(state, c) || is_joint(c) || is_open(state, c) || value_of(c) >= 0) return 0;
    for (size_t n = 0; n < sizeof in_shapes / sizeof *in_shapes; n++) /* 十出号字年廿日月生第（） */
        if (c == in_shapes[n]) return 0;
    return 1;
}

/* The first place from `start` on that more text could make or change a value of, where only the last token and what is
 * joined to it decides; -1 - that place, where the shapes of the twin have to be asked as well. */
static Py_ssize_t place_in(const State *state, const Text *text, Py_ssize_t start) {
    start = later(start, 0);
    Py_ssize_t token = token_before(state, text, later(start, text->length - LONGEST), text->length);
    Py_ssize_t least = later(start, text->length - SPACED - 1);
    Py_ssize_t place = text->length - later(token, joined(state, text, least, token));
    if (place <= start || is_settled(state, at(text, place - 1))) return place; /* nothing that goes on begins before it */
    return may_have_begun(state, text, start) || may_be_broken(text, start) ? -1 - place : place;
}

static int64_t answer(void *state, const Py_UCS4 *text, Py_ssize_t length, Py_ssize_t start, Memo *memo) {
    (void)memo;
    return place_in(state, &(Text){PyUnicode_4BYTE_KIND, text, length}, start);
}

static const Answer ANSWER = {answer};

static PyObject *undecided(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2 || !PyUnicode_Check(args[0])) return PyErr_SetString(PyExc_TypeError, "a text and a place"), NULL;
    Text text = text_of(args[0]);
    Py_ssize_t start = PyLong_AsSsize_t(args[1]);
    if (start == -1 && PyErr_Occurred()) return NULL;
    return PyLong_FromSsize_t(place_in(PyModule_GetState(self), &text, start));
}

static int take(Signs *signs, uint8_t *ascii, PyObject *string) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    Py_UCS4 *point = PyMem_Calloc((size_t)length + 1, sizeof(Py_UCS4));
    if (!point) return PyErr_NoMemory(), -1;
    PyMem_Free(signs->point);
    signs->point = point;
    signs->count = 0;
    memset(ascii, 0, 128);
    for (Py_ssize_t n = 0; n < length; n++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(string, n);
        if (c < 128) ascii[c] = 1;
        else if (signs->count && c <= point[signs->count - 1]) return PyErr_SetString(PyExc_ValueError, "not sorted"), -1;
        else point[signs->count++] = c;
    }
    return 0;
}

/* (token, opens): what they are made of, sorted. */
static PyObject *configure(PyObject *self, PyObject *args) {
    State *state = PyModule_GetState(self);
    PyObject *token, *opens;
    if (!PyArg_ParseTuple(args, "UU", &token, &opens)) return NULL;
    if (take(&state->token, state->is_token, token) < 0 || take(&state->opens, state->is_open, opens) < 0) return NULL;
    Py_RETURN_NONE;
}

static void freed(void *module) {
    State *state = PyModule_GetState(module);
    if (!state) return;
    PyMem_Free(state->token.point);
    PyMem_Free(state->opens.point);
}

static PyMethodDef methods[] = {
    {"undecided", (PyCFunction)(void (*)(void))undecided, METH_FASTCALL, "(text, start) -> place, or -1 - place."},
    {"configure", configure, METH_VARARGS, "(token, opens): the characters that the shapes need."},
    {NULL, NULL, 0, NULL},
};
static int made(PyObject *module) {
    PyObject *ask = Py_BuildValue("(sN)", "undecided", PyCapsule_New((void *)&ANSWER, ASK, NULL));
    int failed = !ask || PyModule_AddObjectRef(module, "ask", ask) < 0;
    Py_XDECREF(ask);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "cutting", NULL, sizeof(State), methods, slots, NULL, NULL, freed};
PyMODINIT_FUNC PyInit_cutting(void) { return PyModuleDef_Init(&module); }
