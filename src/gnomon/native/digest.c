/* The letters of placeholders: HMAC-SHA-256 (RFC 2104, FIPS 180-4) with the key's part worked out once. The twin is
 * placeholders.code. */
#include "text.h"

#include <string.h>

#define BLOCK 64
#define LONGEST_CODE 32

typedef struct {
    PyObject_HEAD
    uint32_t inner[8], outer[8]; /* after the first block, which is the key's */
    uint8_t letters[256];        /* what a byte is written as */
} Keyed;

static const uint32_t CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static inline uint32_t turned(uint32_t value, int by) { return value >> by | value << (32 - by); }

/* One round (FIPS 180-4, 6.2.2), the eight words turned instead of moved. */
#define ROUND(a, b, c, d, e, f, g, h, n)                                                                                 \
    do {                                                                                                                 \
        uint32_t one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + CONSTANTS[n] + w[n];  \
        d += one;                                                                                                        \
        h = one + (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));                        \
    } while (0)

static void compress(uint32_t state[8], const uint8_t block[BLOCK]) {
    uint32_t w[64], s[8];
    for (int n = 0; n < 16; n++)
        w[n] = (uint32_t)block[4 * n] << 24 | (uint32_t)block[4 * n + 1] << 16 | (uint32_t)block[4 * n + 2] << 8 | block[4 * n + 3];
    for (int n = 16; n < 64; n++) {
        uint32_t a = turned(w[n - 15], 7) ^ turned(w[n - 15], 18) ^ w[n - 15] >> 3;
        uint32_t b = turned(w[n - 2], 17) ^ turned(w[n - 2], 19) ^ w[n - 2] >> 10;
        w[n] = w[n - 16] + a + w[n - 7] + b;
    }
    memcpy(s, state, sizeof s);
    for (int n = 0; n < 64; n += 8) {
        ROUND(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], n);
        ROUND(s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], n + 1);
        ROUND(s[6], s[7], s[0], s[1], s[2], s[3], s[4], s[5], n + 2);
        ROUND(s[5], s[6], s[7], s[0], s[1], s[2], s[3], s[4], n + 3);
        ROUND(s[4], s[5], s[6], s[7], s[0], s[1], s[2], s[3], n + 4);
        ROUND(s[3], s[4], s[5], s[6], s[7], s[0], s[1], s[2], n + 5);
        ROUND(s[2], s[3], s[4], s[5], s[6], s[7], s[0], s[1], n + 6);
        ROUND(s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[0], n + 7);
    }
    for (int n = 0; n < 8; n++) state[n] += s[n];
}

/* A message that comes in pieces, after one block that was there before. */
typedef struct {
    uint32_t state[8];
    uint8_t block[BLOCK];
    size_t used;
    uint64_t length;
} Message;

static void put(Message *message, const uint8_t *data, size_t size) {
    message->length += size;
    while (size) {
        size_t part = BLOCK - message->used < size ? BLOCK - message->used : size;
        memcpy(message->block + message->used, data, part);
        message->used += part;
        data += part;
        size -= part;
        if (message->used < BLOCK) return;
        compress(message->state, message->block);
        message->used = 0;
    }
}

static void finish(Message *message, uint8_t digest[32]) {
    uint64_t bits = (message->length + BLOCK) * 8;
    static const uint8_t padding[BLOCK] = {0x80};
    uint8_t size[8];
    put(message, padding, 1 + (BLOCK + 55 - message->used) % BLOCK);
    for (int n = 0; n < 8; n++) size[n] = (uint8_t)(bits >> (56 - 8 * n));
    put(message, size, 8);
    for (int n = 0; n < 32; n++) digest[n] = (uint8_t)(message->state[n / 4] >> (24 - 8 * (n % 4)));
}

/* A string as UTF-8, lone surrogates as they would be encoded. */
static void put_text(Message *message, PyObject *string) {
    Text text = text_of(string);
    uint8_t buffer[BLOCK];
    size_t used = 0;
    for (Py_ssize_t n = 0; n < text.length; n++) {
        Py_UCS4 c = at(&text, n);
        if (used > BLOCK - 4) put(message, buffer, used), used = 0;
        if (c < 0x80) {
            buffer[used++] = (uint8_t)c;
            continue;
        }
        int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        buffer[used++] = (uint8_t)((more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0) | c >> (6 * more));
        while (more--) buffer[used++] = (uint8_t)(0x80 | (c >> (6 * more) & 0x3F));
    }
    put(message, buffer, used);
}

static PyObject *letters(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    Keyed *self = (Keyed *)object;
    if (count != 3 || !PyUnicode_Check(args[0]) || !PyUnicode_Check(args[1]))
        return PyErr_SetString(PyExc_TypeError, "an entity, a value and a length"), NULL;
    Py_ssize_t length = PyLong_AsSsize_t(args[2]);
    if (length == -1 && PyErr_Occurred()) return NULL;
    if (length < 0 || length > LONGEST_CODE) return PyErr_SetString(PyExc_ValueError, "0 to 32 letters"), NULL;
    Message message = {{0}, {0}, 0, 0};
    uint8_t digest[32];
    memcpy(message.state, self->inner, sizeof message.state);
    put_text(&message, args[0]);
    put(&message, (const uint8_t *)"", 1);
    put_text(&message, args[1]);
    finish(&message, digest);
    Message outer = {{0}, {0}, 0, 0};
    memcpy(outer.state, self->outer, sizeof outer.state);
    put(&outer, digest, 32);
    finish(&outer, digest);
    char code[LONGEST_CODE];
    for (Py_ssize_t n = 0; n < length; n++) code[n] = (char)self->letters[digest[n]];
    return PyUnicode_DecodeASCII(code, length, NULL);
}

static void key_block(uint32_t state[8], const uint8_t *key, size_t size, uint8_t pad) {
    uint8_t block[BLOCK];
    memset(block, pad, BLOCK);
    for (size_t n = 0; n < size; n++) block[n] ^= key[n];
    memcpy(state, START, sizeof START);
    compress(state, block);
}

static PyObject *keyed_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    const char *key, *letters;
    Py_ssize_t size, count;
    if (kwargs && PyDict_GET_SIZE(kwargs)) return PyErr_SetString(PyExc_TypeError, "no keywords here"), NULL;
    if (!PyArg_ParseTuple(args, "y#y#", &key, &size, &letters, &count)) return NULL;
    if (size > BLOCK || count != 256) return PyErr_SetString(PyExc_ValueError, "a key of 64 bytes at most, 256 letters"), NULL;
    for (int n = 0; n < 256; n++)
        if ((uint8_t)letters[n] > 127) return PyErr_SetString(PyExc_ValueError, "letters are ASCII"), NULL;
    Keyed *self = (Keyed *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    key_block(self->inner, (const uint8_t *)key, (size_t)size, 0x36);
    key_block(self->outer, (const uint8_t *)key, (size_t)size, 0x5c);
    memcpy(self->letters, letters, 256);
    return (PyObject *)self;
}

static void keyed_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"letters", (PyCFunction)(void (*)(void))letters, METH_FASTCALL, "(entity, value, length) -> the code."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot keyed_slots[] = {
    {Py_tp_new, keyed_new}, {Py_tp_dealloc, keyed_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec keyed_spec = {"gnomon.native.digest.Keyed", sizeof(Keyed), 0, Py_TPFLAGS_DEFAULT, keyed_slots};

static int made(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &keyed_spec, NULL);
    int failed = !type || PyModule_AddObjectRef(module, "Keyed", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "digest", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_digest(void) { return PyModuleDef_Init(&module); }
