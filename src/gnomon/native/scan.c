/* Which features a text has, in one pass over its characters: key words, and short shapes such as three digits, a
 * hyphen, two digits. The twin is guard/scan.py over guard/quick.py's tables. */
#include "text.h"

#include "ask.h"
#include "json.h"
#include "scan_tables.h"

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
        uint32_t marks;
        if (c < 128) {
            all |= scan->classes[place] = self->ascii[c].classes;
            signs[c >> 6] |= (uint64_t)1 << (c & 63);
            marks = self->ascii[c].marks;
        } else if (is_known(self, c)) {
            const Sign *sign = slot_of(self, c);
            all |= scan->classes[place] = sign->classes;
            marks = sign->character == c ? sign->marks : marks_of(self, c);
            if (marks & ODD) scan->fired |= self->odd_bit;
        } else {
            scan->classes[place] = 0;
            run = 0;
            continue;
        }
        if (marks & NUMERAL) {
            run++;
            gap = 0;
            longest = run > longest ? run : longest;
        } else if (run && (!(marks & SEPARATOR) || ++gap > 3)) {
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

static int is_worth(const Scanner *self, uint64_t fired) {
    const Worth *worth = &self->worth;
    return (fired & worth->telling) || ((fired & worth->seven) && (fired & worth->words));
}

/* (telling, seven, words): what `fired` and `places` tell of; once, before either is asked. */
static PyObject *scanner_worth(PyObject *self, PyObject *args) {
    unsigned long long telling, seven, words;
    if (!PyArg_ParseTuple(args, "KKK", &telling, &seven, &words)) return NULL;
    ((Scanner *)self)->worth = (Worth){telling, seven, words};
    memset(((Scanner *)self)->known, 0, sizeof(((Scanner *)self)->known));
    Py_RETURN_NONE;
}

static PyObject *scanner_text(PyObject *self, PyObject *string) {
    if (!PyUnicode_Check(string)) return PyErr_SetString(PyExc_TypeError, "a text is needed"), NULL;
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(string) < 0) return NULL;
#endif
    return as_bits(scan_text((Scanner *)self, text_of(string), 0));
}

static PyObject *scanner_fired(PyObject *self, PyObject *string) {
    if (!PyUnicode_Check(string)) return PyErr_SetString(PyExc_TypeError, "a text is needed"), NULL;
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(string) < 0) return NULL;
#endif
    uint64_t fired = scan_text((Scanner *)self, text_of(string), 0);
    return as_bits(fired == NO_FEATURES || is_worth((Scanner *)self, fired) ? fired : 0);
}

/* Whether `fired` would tell of anything. Of a text that has grown by what stands from `fresh` on, only that is looked at,
 * from a character on that is in nothing that is looked for: with what fired before it, that is all that may fire. */
static int64_t answer(void *object, const Py_UCS4 *text, Py_ssize_t length, Py_ssize_t fresh, Memo *seen) {
    Scanner *self = object;
    Py_ssize_t from = seen->is_known ? fresh - 1 : -1;
    while (from >= 0 && is_part(self, text[from])) from--;
    if (from >= 0) {
        seen->bits |= scan_text(self, (Text){PyUnicode_4BYTE_KIND, text + from, length - from}, 0); /* without memory: all */
        if (!is_worth(self, seen->bits)) return 0;
        PyErr_Clear();
    }
    *seen = (Memo){scan_text(self, (Text){PyUnicode_4BYTE_KIND, text, length}, 0), 1};
    return seen->bits == NO_FEATURES ? FAILED : is_worth(self, seen->bits);
}

static const Answer ANSWER = {answer};

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

/* Adds (start, end, features, text) to a list; takes the text, which is NULL where none could be made. */
static int add_place(PyObject *places, Py_ssize_t start, Py_ssize_t end, uint64_t fired, PyObject *text) {
    PyObject *place = text ? Py_BuildValue("(nnKN)", start, end, (unsigned long long)fired, text) : NULL;
    int failed = !place || PyList_Append(places, place) < 0;
    Py_XDECREF(place);
    return failed ? -1 : 0;
}

/* The string at this place, where it is short and plain: its bytes, and how many; 0 otherwise. */
static int short_at(const Json *json, Short *found) {
    const uint8_t *data = json->data + json->place + 1;
    if (json->size - json->place < MOST_SHORT + 2) return 0;
    int length = plain_at(data);
    if (length == 8) length += plain_at(data + 8);
    if (!length || data[length] != '"') return 0;
    memset(found, 0, sizeof *found);
    memcpy(found->halves, data, (size_t)length);
    return length;
}

static Short *slot_for(Scanner *self, const Short *text) {
    uint64_t mixed = (text->halves[0] ^ text->halves[1] * 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9;
    return &self->known[mixed >> 56];
}

/* 0: all places are told; 1: this is no plain JSON; -1: an exception is set. `characters` has room for them all. */
static int tell_places(Scanner *self, Json json, Py_UCS4 *characters, PyObject *places) {
    Py_ssize_t start = 0;
    for (;;) {
        Token token = next_token(&json, &start);
        if (token == JSON_END) return 0;
        if (token == JSON_ODD) return 1;
        uint64_t fired = 0;
        PyObject *text;
        if (token == JSON_STRING) {
            Short text_here, *slot = NULL;
            int length = short_at(&json, &text_here);
            if (length) {
                slot = slot_for(self, &text_here);
                if (slot->halves[0] == text_here.halves[0] && slot->halves[1] == text_here.halves[1]) {
                    json.place += length + 2;
                    continue;
                }
            }
            Py_ssize_t count = string_at(&json, characters);
            if (count < 0) return 1;
            fired = scan_text(self, (Text){PyUnicode_4BYTE_KIND, characters, count}, 0);
            if (fired == NO_FEATURES) return -1;
            if (!is_worth(self, fired)) {
                if (slot) *slot = text_here;
                continue;
            }
            text = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, characters, count);
        } else {
            text = Py_NewRef(Py_None);
        }
        if (add_place(places, start, json.place, fired, text) < 0) return -1;
    }
}

/* (data) -> [(start, end, features, text)] of the strings worth telling and of all long numbers (without a text), as
 * they stand in JSON with their quotation marks; None where it is not written as JSON must be. */
static PyObject *scanner_places(PyObject *self, PyObject *data) {
    Py_buffer view;
    Py_UCS4 here[ON_STACK], *characters = here;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *places = PyList_New(0);
    int failed = -1;
    if (view.len > ON_STACK && !(characters = PyMem_New(Py_UCS4, (size_t)view.len))) PyErr_NoMemory();
    else if (places) failed = tell_places((Scanner *)self, (Json){view.buf, view.len, 0}, characters, places);
    if (characters != here) PyMem_Free(characters);
    PyBuffer_Release(&view);
    if (!failed) return places;
    Py_XDECREF(places);
    if (failed < 0) return NULL;
    Py_RETURN_NONE;
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
    for (Py_UCS4 c = 0; c < 128; c++) self->ascii[c].marks = marks_of(self, c);
    for (size_t n = 0; n < self->slots; n++) {
        Sign *sign = &self->signs[n];
        know(self, sign->character);
        sign->marks = sign->character == NOTHING ? 0 : marks_of(self, sign->character);
    }
    know_others(self);
    return (PyObject *)self;
}

static PyMethodDef scanner_methods[] = {
    {"text", scanner_text, METH_O, "The features of a text, as bits."},
    {"worth", scanner_worth, METH_VARARGS, "(telling, seven, words): which features are worth telling."},
    {"fired", scanner_fired, METH_O, "The features of a text, as bits; 0 where none is worth telling."},
    {"places", scanner_places, METH_O, "Where in JSON there may be something, and what."},
    {"json", scanner_json, METH_VARARGS, "The features of JSON as it stands, as bits."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot scanner_slots[] = {
    {Py_tp_new, scanner_new}, {Py_tp_dealloc, scanner_dealloc}, {Py_tp_methods, scanner_methods}, {0, NULL}};
static PyType_Spec scanner_spec = {"gnomon.native.scan.Scanner", sizeof(Scanner), 0, Py_TPFLAGS_DEFAULT, scanner_slots};

static int made(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &scanner_spec, NULL);
    PyObject *ask = Py_BuildValue("(sN)", "fired", PyCapsule_New((void *)&ANSWER, ASK, NULL));
    int failed = !type || !ask || PyObject_SetAttrString(type, "ask", ask) < 0 || PyModule_AddObjectRef(module, "Scanner", type) < 0;
    Py_XDECREF(ask);
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "scan", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_scan(void) { return PyModuleDef_Init(&module); }
