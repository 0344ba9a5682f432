/* What the features of a sentence weigh: stems of Latin words, pairs of them and pieces of long ones; characters of
 * Chinese in twos and threes. The twin is guard/content/meant.py, which says what a feature is. */
#include "text.h"

#include <string.h>

#define BITS 16
#define PIECE 5
#define IS_STEM(c) ((c) >= 'a' && (c) <= 'z')
#define IS_HAN(c) ((c) >= 0x3400 && (c) <= 0x9FFF)

static uint32_t table[256]; /* of CRC-32, as zlib has it */

typedef struct {
    const int8_t *weights;
    uint64_t seen[(1 << BITS) / 64];
    long count, total;
} Sum;

static uint32_t byte(uint32_t crc, uint32_t value) { return table[(crc ^ value) & 0xFF] ^ crc >> 8; }

/* One more character of a feature, in UTF-8; none stands beyond U+9FFF. */
static uint32_t character(uint32_t crc, Py_UCS4 c) {
    if (c < 0x80) return byte(crc, c);
    crc = byte(crc, 0xE0 | c >> 12);
    crc = byte(crc, 0x80 | (c >> 6 & 0x3F));
    return byte(crc, 0x80 | (c & 0x3F));
}

static uint32_t span(uint32_t crc, const Text *text, Py_ssize_t start, Py_ssize_t end) {
    for (Py_ssize_t place = start; place < end; place++) crc = character(crc, at(text, place));
    return crc;
}

/* A feature counts once, however often it stands there. */
static void add(Sum *sum, uint32_t crc) {
    const uint32_t slot = ~crc & ((1 << BITS) - 1);
    if (sum->seen[slot / 64] >> (slot % 64) & 1) return;
    sum->seen[slot / 64] |= (uint64_t)1 << (slot % 64);
    sum->count++;
    sum->total += sum->weights[slot];
}

/* Where the stem of a Latin word ends: before the longest of the endings that leaves three letters. */
static Py_ssize_t stem_end(const Text *text, Py_ssize_t start, Py_ssize_t end) {
    static const char *const endings[] = {"ings", "ing", "ers", "ies", "ed", "er", "es", "ly", "s", "e", "y"};
    for (size_t n = 0; n < sizeof endings / sizeof *endings; n++) {
        const Py_ssize_t size = (Py_ssize_t)strlen(endings[n]);
        Py_ssize_t same = 0;
        if (end - size - start < 3) continue;
        while (same < size && at(text, end - size + same) == (Py_UCS4)endings[n][same]) same++;
        if (same == size) return end - size;
    }
    return end;
}

/* What stood before: the last characters of Chinese, a stem, or a number. */
typedef struct {
    Py_ssize_t start, end;
    int is_number;
} Before;

static uint32_t before_it(const Text *text, Before before) {
    return before.is_number ? byte(UINT32_MAX, '0') : span(UINT32_MAX, text, before.start, before.end);
}

static Before latin(Sum *sum, const Text *text, Py_ssize_t start, Py_ssize_t end, Before before, int is_number) {
    const Before stem = {start, is_number ? end : stem_end(text, start, end), is_number};
    const uint32_t pair = byte(before_it(text, before), ' ');
    add(sum, before_it(text, stem));
    add(sum, is_number ? byte(pair, '0') : span(pair, text, stem.start, stem.end));
    if (!is_number && stem.end - stem.start > PIECE)
        for (Py_ssize_t place = stem.start; place + PIECE <= stem.end; place++)
            add(sum, span(byte(UINT32_MAX, '~'), text, place, place + PIECE));
    return stem;
}

static Before chinese(Sum *sum, const Text *text, Py_ssize_t start, Py_ssize_t end) {
    for (Py_ssize_t place = start; place + 2 <= end; place++) add(sum, span(UINT32_MAX, text, place, place + 2));
    for (Py_ssize_t place = start; place + 3 <= end; place++) add(sum, span(UINT32_MAX, text, place, place + 3));
    add(sum, span(byte(UINT32_MAX, '^'), text, start, start + 2 < end ? start + 2 : end));
    return (Before){end - start < 2 ? start : end - 2, end, 0};
}

static void weigh(Sum *sum, const Text *text) {
    Before before = {0, 0, 0};
    for (Py_ssize_t place = 0; place < text->length;) {
        const Py_ssize_t start = place;
        const Py_UCS4 c = at(text, place);
        if (IS_STEM(c)) {
            while (IS_STEM(at(text, place))) place++;
            before = latin(sum, text, start, place, before, 0);
        } else if (is_digit(c)) {
            while (is_digit(at(text, place))) place++;
            before = latin(sum, text, start, place, before, 1);
        } else if (IS_HAN(c)) {
            while (IS_HAN(at(text, place))) place++;
            before = chinese(sum, text, start, place);
        } else {
            place++;
        }
    }
}

static PyObject *weighed(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 2 || !PyUnicode_Check(args[1])) return PyErr_SetString(PyExc_TypeError, "weights and a text"), NULL;
    Py_buffer weights;
    if (PyObject_GetBuffer(args[0], &weights, PyBUF_SIMPLE) < 0) return NULL;
    Sum sum = {.weights = weights.buf};
    if (weights.len == 1 << BITS) {
        const Text text = text_of(args[1]);
        weigh(&sum, &text);
    } else {
        PyErr_SetString(PyExc_ValueError, "the table of weights has another size");
    }
    PyBuffer_Release(&weights);
    return PyErr_Occurred() ? NULL : Py_BuildValue("ll", sum.count, sum.total);
}

static int made(PyObject *module) {
    (void)module;
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t value = n;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? 0xEDB88320u ^ value >> 1 : value >> 1;
        table[n] = value;
    }
    return 0;
}

static PyMethodDef methods[] = {
    {"weighed", (PyCFunction)(void (*)(void))weighed, METH_FASTCALL,
     "(weights, text in small letters) -> (features, the sum of their weights)."},
    {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "meant", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_meant(void) { return PyModuleDef_Init(&module); }
