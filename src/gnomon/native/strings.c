/* Strings of JSON, written straight from a text or from its UTF-8, without a Python string in between. The twin is
 * gateway/quoting.py. */
#include "text.h"

#include <string.h>

#define LONGEST_ESCAPE 6 /* \u001f */
#define ON_STACK 2048    /* characters or bytes whose string is put together on the stack */

/* A byte below 0x80 as it stands within a JSON string (RFC 8259, 7). */
static inline uint8_t *put_ascii(uint8_t *out, uint8_t c) {
    static const char digits[] = "0123456789abcdef", letters[] = "btnvfr"; /* of 8 to 13; 11 has none */
    if (c >= 0x20 && c != '"' && c != '\\') return *out++ = c, out;
    *out++ = '\\';
    if (c == '"' || c == '\\') return *out++ = c, out;
    if (c >= 8 && c <= 13 && c != 11) return *out++ = (uint8_t)letters[c - 8], out;
    memcpy(out, "u00", 3);
    out[3] = (uint8_t)digits[c >> 4];
    out[4] = (uint8_t)digits[c & 15];
    return out + 5;
}

static inline uint8_t *put_beyond(uint8_t *out, Py_UCS4 c) {
    if (c >= 0x800 && c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return out + 3;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *out++ = (uint8_t)((more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0) | c >> (6 * more));
    while (more--) *out++ = (uint8_t)(0x80 | (c >> (6 * more) & 0x3F));
    return out;
}

/* How many bytes of one character beyond ASCII begin here, written as it must be; 0: none does (RFC 3629, 4). */
static inline int width_at(const uint8_t *data, Py_ssize_t left) {
    uint8_t head = data[0], second = left > 1 ? data[1] : 0;
    int width = head >= 0xF0 ? 4 : head >= 0xE0 ? 3 : 2;
    if (head < 0xC2 || head > 0xF4 || left < width || (second & 0xC0) != 0x80) return 0;
    if ((head == 0xE0 && second < 0xA0) || (head == 0xED && second > 0x9F)) return 0;
    if ((head == 0xF0 && second < 0x90) || (head == 0xF4 && second > 0x8F)) return 0;
    for (int n = 2; n < width; n++)
        if ((data[n] & 0xC0) != 0x80) return 0;
    return width;
}

/* One past what was written, or NULL where the bytes are no UTF-8. */
static uint8_t *put_bytes(uint8_t *out, const uint8_t *data, Py_ssize_t size) {
    for (Py_ssize_t place = 0; place < size;) {
        if (size - place >= 8) {
            if (is_three(four_at(data + place))) {
                memcpy(out, data + place, 4); /* one more than counts */
                out += 3;
                place += 3;
                continue;
            }
            int plain = plain_at(data + place);
            memcpy(out, data + place, 8); /* as many as count, and more */
            out += plain;
            place += plain;
            if (plain == 8) continue;
        }
        uint8_t c = data[place];
        if (c < 0x80) {
            out = put_ascii(out, c);
            place++;
            continue;
        }
        int width = width_at(data + place, size - place);
        if (!width) return NULL;
        for (int n = 0; n < width; n++) *out++ = data[place++];
    }
    return out;
}

/* The same of a text; NULL where half a character stands in it. */
static inline __attribute__((always_inline)) uint8_t *put_kind(uint8_t *out, Text text) {
    for (Py_ssize_t n = 0; n < text.length; n++) {
        Py_UCS4 c = PyUnicode_READ(text.kind, text.data, n);
        if (c < 0x80) out = put_ascii(out, (uint8_t)c);
        else if (c >= 0xD800 && c <= 0xDFFF) return NULL;
        else out = put_beyond(out, c);
    }
    return out;
}

static uint8_t *put_text(uint8_t *out, Text text) {
    if (text.kind == PyUnicode_1BYTE_KIND) return put_kind(out, (Text){PyUnicode_1BYTE_KIND, text.data, text.length});
    if (text.kind == PyUnicode_2BYTE_KIND) return put_kind(out, (Text){PyUnicode_2BYTE_KIND, text.data, text.length});
    return put_kind(out, (Text){PyUnicode_4BYTE_KIND, text.data, text.length});
}

/* (text, or its UTF-8) -> the JSON string; None for what cannot be one. */
static PyObject *quoted(PyObject *self, PyObject *given) {
    (void)self;
    int is_text = PyUnicode_Check(given);
    if (!is_text && !PyBytes_Check(given)) return PyErr_SetString(PyExc_TypeError, "a text or bytes"), NULL;
#if PY_VERSION_HEX < 0x030C0000
    if (is_text && PyUnicode_READY(given) < 0) return NULL;
#endif
    uint8_t here[LONGEST_ESCAPE * ON_STACK + 2], *made = here, *out;
    Py_ssize_t size = is_text ? PyUnicode_GET_LENGTH(given) : PyBytes_GET_SIZE(given);
    if (size > (PY_SSIZE_T_MAX - 2) / LONGEST_ESCAPE) return PyErr_NoMemory();
    if (size > ON_STACK && !(made = PyMem_Malloc((size_t)size * LONGEST_ESCAPE + 2))) return PyErr_NoMemory();
    made[0] = '"';
    out = is_text ? put_text(made + 1, text_of(given)) : put_bytes(made + 1, (const uint8_t *)PyBytes_AS_STRING(given), size);
    PyObject *told = Py_None;
    if (out) {
        *out++ = '"';
        told = PyBytes_FromStringAndSize((const char *)made, out - made);
    } else {
        Py_INCREF(told);
    }
    if (made != here) PyMem_Free(made);
    return told;
}

static PyObject *is_utf8(PyObject *self, PyObject *given) {
    (void)self;
    if (!PyBytes_Check(given)) return PyErr_SetString(PyExc_TypeError, "bytes are needed"), NULL;
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(given);
    for (Py_ssize_t place = 0, size = PyBytes_GET_SIZE(given); place < size;) {
        if (size - place >= 8) {
            if (is_three(four_at(data + place))) {
                place += 3;
                continue;
            }
            int plain = before_first(eight_at(data + place) & TOPS);
            place += plain;
            if (plain) continue;
        }
        int width = data[place] < 0x80 ? 1 : width_at(data + place, size - place);
        if (!width) Py_RETURN_FALSE;
        place += width;
    }
    Py_RETURN_TRUE;
}

/* Whether one of `count` signs that begin with the same byte stands somewhere. */
static int stands(const char *data, Py_ssize_t size, char first, PyObject *const *signs, Py_ssize_t count) {
    const char *end = data + size;
    uint8_t second[256] = {0}; /* what one of them has behind it; most places end here */
    int is_byte = 0;
    for (Py_ssize_t n = 0; n < count; n++) {
        const char *sign = PyBytes_AS_STRING(signs[n]);
        if (sign[0] != first) continue;
        if (PyBytes_GET_SIZE(signs[n]) == 1) is_byte = 1;
        second[(uint8_t)sign[1]] = 1; /* a zero ends all bytes */
    }
    for (const char *at = data; (at = memchr(at, first, (size_t)(end - at))); at++) {
        if (is_byte) return 1;
        if (!second[(uint8_t)at[1]]) continue;
        for (Py_ssize_t n = 0; n < count; n++) {
            const char *sign = PyBytes_AS_STRING(signs[n]);
            Py_ssize_t length = PyBytes_GET_SIZE(signs[n]);
            if (sign[0] == first && length <= end - at && !memcmp(at, sign, (size_t)length)) return 1;
        }
    }
    return 0;
}

/* (bytes, signs) -> whether one of them stands there. */
static PyObject *holds(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count < 2 || !PyBytes_Check(args[0])) return PyErr_SetString(PyExc_TypeError, "bytes and signs are needed"), NULL;
    for (Py_ssize_t n = 1; n < count; n++)
        if (!PyBytes_Check(args[n]) || !PyBytes_GET_SIZE(args[n]))
            return PyErr_SetString(PyExc_TypeError, "a sign is some bytes"), NULL;
    const char *data = PyBytes_AS_STRING(args[0]);
    for (Py_ssize_t n = 1; n < count; n++) {
        char first = PyBytes_AS_STRING(args[n])[0];
        int is_known = 0;
        for (Py_ssize_t before = 1; before < n && !is_known; before++) is_known = PyBytes_AS_STRING(args[before])[0] == first;
        if (!is_known && stands(data, PyBytes_GET_SIZE(args[0]), first, args + n, count - n)) Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static PyMethodDef methods[] = {
    {"holds", (PyCFunction)(void (*)(void))holds, METH_FASTCALL, "(bytes, *signs) -> whether one of them stands there."},
    {"quoted", quoted, METH_O, "(text, or its UTF-8) -> the JSON string; None for what cannot be one."},
    {"is_utf8", is_utf8, METH_O, "(bytes) -> whether they are UTF-8."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "strings", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_strings(void) { return PyModuleDef_Init(&module); }
