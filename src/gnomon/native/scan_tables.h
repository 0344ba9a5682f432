/* How a scanner is made, once, from the tables that guard/quick.py works out. */
#ifndef GNOMON_SCAN_TABLES_H
#define GNOMON_SCAN_TABLES_H

#include "scanner.h"

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
        self->letter_count = letters;
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

/* Chinese numerals and the separators of numbers carry runs on; what literals go on with is within something. */
static void know_others(Scanner *self) {
    for (Py_UCS4 c = 128; c < 0x10000; c++)
        if (value_of(c) >= 0 || is_separator(c)) know(self, c);
    memcpy(self->parts, self->plane, sizeof self->parts);
    for (Py_ssize_t n = 0; n < self->letter_count; n++) {
        Py_UCS4 c = self->letters[n];
        if (c >= 128 && c < 0x10000) self->parts[c >> 3] |= (uint8_t)(1 << (c & 7));
    }
}

#endif
