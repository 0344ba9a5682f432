/* Tokens of persons: keyed BLAKE2b (RFC 7693) with the key's block worked out once, of identifiers in ASCII as
 * persons.plain_form writes them; of others the caller gives the plain form. The twin is persons.PersonIndex. */
#include "text.h"

#include <string.h>

#define BLOCK 128
#define MOST_KEY 64
#define MOST_DIGEST 64
#define MOST_NAME 32
#define LONGEST 512 /* characters whose plain form is made here */
#define SHORTEST 2
#define MOBILE 11

typedef struct {
    PyObject_HEAD
    uint64_t state[8]; /* after the first block, which is the key's */
    int size, name_length;
    char name[MOST_NAME];
    PyObject *plain_form;
} Keyed;

static const uint64_t START[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
static const uint8_t ORDER[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static inline uint64_t turned(uint64_t value, int by) { return value >> by | value << (64 - by); }

/* RFC 7693, 3.1. */
static inline void mix(uint64_t v[16], int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = turned(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 63);
}

/* RFC 7693, 3.2; `length`: bytes up to the end of this block. */
static void compress(uint64_t state[8], const uint8_t block[BLOCK], uint64_t length, int is_last) {
    uint64_t v[16], m[16];
    for (int n = 0; n < 16; n++) m[n] = four_at(block + 8 * n) | (uint64_t)four_at(block + 8 * n + 4) << 32;
    memcpy(v, state, 8 * sizeof *v);
    memcpy(v + 8, START, sizeof START);
    v[12] ^= length;
    if (is_last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = ORDER[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int n = 0; n < 8; n++) state[n] ^= v[n] ^ v[n + 8];
}

/* The token of a plain form that is not empty, as a new string. */
static PyObject *token_of(const Keyed *self, const uint8_t *plain, Py_ssize_t size) {
    static const char hex[] = "0123456789abcdef";
    uint64_t state[8], length = BLOCK;
    uint8_t block[BLOCK];
    char token[MOST_NAME + 2 * MOST_DIGEST];
    memcpy(state, self->state, sizeof state);
    for (; size > BLOCK; plain += BLOCK, size -= BLOCK) compress(state, plain, length += BLOCK, 0);
    memset(block, 0, BLOCK);
    memcpy(block, plain, (size_t)size);
    compress(state, block, length + (uint64_t)size, 1);
    memcpy(token, self->name, (size_t)self->name_length);
    for (int n = 0; n < self->size; n++) {
        uint8_t byte = (uint8_t)(state[n / 8] >> (8 * (n % 8)));
        token[self->name_length + 2 * n] = hex[byte >> 4];
        token[self->name_length + 2 * n + 1] = hex[byte & 15];
    }
    return PyUnicode_DecodeASCII(token, self->name_length + 2 * self->size, NULL);
}

/* A mobile number without +86; how long what is left is. */
static Py_ssize_t without_country(uint8_t *plain, Py_ssize_t size) {
    Py_ssize_t at = size == MOBILE + 4 && plain[0] == '0' && plain[1] == '0' ? 2 : 0;
    if (size - at != MOBILE + 2 || plain[at] != '8' || plain[at + 1] != '6' || plain[at + 2] != '1') return size;
    for (Py_ssize_t n = at; n < size; n++)
        if (!is_digit(plain[n])) return size;
    memmove(plain, plain + at + 2, MOBILE);
    return MOBILE;
}

/* The plain form of ASCII. */
static Py_ssize_t plain_of(const uint8_t *value, Py_ssize_t size, uint8_t *plain) {
    int is_mail = memchr(value, '@', (size_t)size) != NULL;
    Py_ssize_t count = 0;
    for (Py_ssize_t n = 0; n < size; n++) {
        uint8_t c = value[n];
        int counts = is_word(c) || (is_mail && (c == '_' || c == '.' || c == '@' || c == '+' || c == '-'));
        if (counts) plain[count++] = (uint8_t)lower(c);
    }
    return is_mail ? count : without_country(plain, count);
}

/* Its token, None for what is too short for one. */
static PyObject *told_of(const Keyed *self, PyObject *value) {
    if (!PyUnicode_Check(value)) return PyErr_SetString(PyExc_TypeError, "an identifier is a text"), NULL;
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(value) < 0) return NULL;
#endif
    uint8_t plain[LONGEST];
    Py_ssize_t size = PyUnicode_GET_LENGTH(value);
    if (PyUnicode_IS_ASCII(value) && size <= LONGEST) {
        size = plain_of(PyUnicode_1BYTE_DATA(value), size, plain);
        if (size < SHORTEST) Py_RETURN_NONE;
        return token_of(self, plain, size);
    }
    PyObject *form = PyObject_CallOneArg(self->plain_form, value);
    if (!form) return NULL;
    if (PyUnicode_Check(form) && PyUnicode_GET_LENGTH(form) < SHORTEST) return Py_DECREF(form), Py_NewRef(Py_None);
    PyObject *data = PyUnicode_AsEncodedString(form, "utf-8", "surrogatepass");
    Py_DECREF(form);
    if (!data) return NULL;
    PyObject *token = token_of(self, (const uint8_t *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data));
    Py_DECREF(data);
    return token;
}

/* (identifiers) -> a set of their tokens. */
static PyObject *tokens(PyObject *object, PyObject *values) {
    PyObject *found = PySet_New(NULL), *all = found ? PyObject_GetIter(values) : NULL, *value;
    while (all && (value = PyIter_Next(all))) {
        PyObject *token = told_of((Keyed *)object, value);
        Py_DECREF(value);
        int failed = !token || (token != Py_None && PySet_Add(found, token) < 0);
        Py_XDECREF(token);
        if (failed) break;
    }
    Py_XDECREF(all);
    if (PyErr_Occurred()) Py_CLEAR(found);
    return found;
}

static PyObject *keyed_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    const char *key, *name;
    Py_ssize_t key_size, name_size;
    int size;
    PyObject *plain_form;
    if (kwargs && PyDict_GET_SIZE(kwargs)) return PyErr_SetString(PyExc_TypeError, "no keywords here"), NULL;
    if (!PyArg_ParseTuple(args, "y#is#O", &key, &key_size, &size, &name, &name_size, &plain_form)) return NULL;
    if (key_size < 1 || key_size > MOST_KEY || size < 1 || size > MOST_DIGEST || name_size > MOST_NAME)
        return PyErr_SetString(PyExc_ValueError, "a key of 1 to 64 bytes, a digest of 1 to 64, a name of 32 at most"), NULL;
    Keyed *self = (Keyed *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    uint8_t block[BLOCK] = {0};
    memcpy(block, key, (size_t)key_size);
    memcpy(self->state, START, sizeof START);
    self->state[0] ^= 0x01010000u ^ ((uint64_t)key_size << 8) ^ (uint64_t)size;
    compress(self->state, block, BLOCK, 0);
    self->size = size;
    self->name_length = (int)name_size;
    memcpy(self->name, name, (size_t)name_size);
    self->plain_form = Py_NewRef(plain_form);
    return (PyObject *)self;
}

static void keyed_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((Keyed *)object)->plain_form);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"tokens", tokens, METH_O, "(identifiers) -> a set of their tokens."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot keyed_slots[] = {
    {Py_tp_new, keyed_new}, {Py_tp_dealloc, keyed_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec keyed_spec = {"gnomon.native.tokens.Keyed", sizeof(Keyed), 0, Py_TPFLAGS_DEFAULT, keyed_slots};

static int made(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &keyed_spec, NULL);
    int failed = !type || PyModule_AddObjectRef(module, "Keyed", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tokens", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_tokens(void) { return PyModuleDef_Init(&module); }
