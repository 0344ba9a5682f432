/* The ordinary events of a stream: what stands around their text is known, and nothing is to be found in it.

   The twin is what `gateway.streaming` does with any event. Whatever is not ordinary is left to it, untouched: both
   functions say how far they came. */
#pragma GCC diagnostic ignored "-Wunused-function" /* json.h knows more than is needed here */
#include "json.h"

#define MOST_HELD 512 /* characters; beyond it a window waits before it looks again (finding.Window) */

typedef struct {
    char *start;
    Py_ssize_t size, room;
} Bytes;

typedef struct {
    const char *start;
    Py_ssize_t size;
} Piece;

typedef struct {
    Json data;
    Piece before, after, head, tail;
    int tells;
    PyObject *fired, *undecided;
    Py_UCS4 *text; /* the context, and from `begun` on what is not decided */
    Py_ssize_t begun, length, left;
    Py_UCS4 *released;
    Py_ssize_t count;
    Bytes out;
} Splice;

static int has_piece(const Json *json, const Piece *piece) {
    return json->size - json->place >= piece->size && !memcmp(json->data + json->place, piece->start, (size_t)piece->size);
}

static int has_room(Bytes *bytes, Py_ssize_t more) {
    if (bytes->room - bytes->size >= more) return 1;
    Py_ssize_t room = (bytes->size + more) * 2;
    char *start = PyMem_Realloc(bytes->start, (size_t)room);
    if (!start) return PyErr_NoMemory(), 0;
    bytes->start = start;
    bytes->room = room;
    return 1;
}

static void put(Bytes *bytes, const char *start, Py_ssize_t size) {
    memcpy(bytes->start + bytes->size, start, (size_t)size);
    bytes->size += size;
}

/* One character of a JSON string, as msgspec writes it. At most six bytes. */
static void put_character(Bytes *bytes, Py_UCS4 c) {
    static const char short_of[] = "btn.fr", digits[] = "0123456789abcdef";
    char *to = bytes->start + bytes->size, *from = to;
    if (c == '"' || c == '\\') {
        *to++ = '\\', *to++ = (char)c;
    } else if (c >= 8 && c <= 13 && c != 11) {
        *to++ = '\\', *to++ = short_of[c - 8];
    } else if (c < 0x20) {
        memcpy(to, "\\u00", 4);
        to[4] = digits[c >> 4], to[5] = digits[c & 15];
        to += 6;
    } else if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6), *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12), *to++ = (char)(0x80 | (c >> 6 & 0x3F)), *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18), *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F)), *to++ = (char)(0x80 | (c & 0x3F));
    }
    bytes->size += to - from;
}

/* The event with `count` characters for its text. */
static int put_event(Splice *s, const Py_UCS4 *text, Py_ssize_t count) {
    if (!count && !s->tells) return 1;
    if (!has_room(&s->out, s->head.size + s->tail.size + 2 + 6 * count)) return 0;
    put(&s->out, s->head.start, s->head.size);
    put(&s->out, "\"", 1);
    for (Py_ssize_t n = 0; n < count; n++) put_character(&s->out, text[n]);
    put(&s->out, "\"", 1);
    put(&s->out, s->tail.start, s->tail.size);
    return 1;
}

/* Up to where a text is decided; -1: more has to be asked, or something was found; -2: an exception is set. */
static Py_ssize_t decided(const Splice *s, Py_ssize_t length) {
    Py_ssize_t at = -2;
    PyObject *whole = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, s->text, length);
    PyObject *fired = whole ? PyObject_CallOneArg(s->fired, whole) : NULL;
    int found = fired ? PyObject_IsTrue(fired) : -1;
    Py_XDECREF(fired);
    if (found > 0) at = -1;
    PyObject *begun = found == 0 ? PyLong_FromSsize_t(s->begun) : NULL;
    if (begun) {
        PyObject *told = PyObject_CallFunctionObjArgs(s->undecided, whole, begun, NULL);
        Py_ssize_t place = told ? PyLong_AsSsize_t(told) : -2;
        if (told && !(place == -1 && PyErr_Occurred())) at = place < 0 ? -1 : place;
        Py_XDECREF(told);
        Py_DECREF(begun);
    }
    Py_XDECREF(whole);
    if (at >= 0 && (at < s->begun || at > length)) {
        PyErr_SetString(PyExc_ValueError, "no place of this text");
        return -2;
    }
    return at;
}

/* 1: the event at the place was ordinary, and the place is behind it; 0: it is not; -1: an exception is set. */
static int take(Splice *s) {
    Json json = s->data;
    if (!has_piece(&json, &s->before)) return 0;
    json.place += s->before.size;
    if (json.place >= json.size || json.data[json.place] != '"') return 0;
    Py_ssize_t count = string_at(&json, s->text + s->length);
    if (count <= 0 || !has_piece(&json, &s->after)) return 0;
    Py_ssize_t length = s->length + count, at = decided(s, length);
    if (at < 0) return at == -1 ? 0 : -1;
    if (length - at > MOST_HELD) return 0;
    if (!put_event(s, s->text + s->begun, at - s->begun)) return -1;
    memcpy(s->released + s->count, s->text + s->begun, (size_t)(at - s->begun) * sizeof(Py_UCS4));
    s->count += at - s->begun;
    Py_ssize_t gone = at > s->left ? at - s->left : 0;
    memmove(s->text, s->text + gone, (size_t)(length - gone) * sizeof(Py_UCS4));
    s->begun = at - gone;
    s->length = length - gone;
    s->data.place = json.place + s->after.size;
    return 1;
}

static int piece(PyObject *value, Piece *piece) {
    if (!PyBytes_Check(value)) return PyErr_SetString(PyExc_TypeError, "a mould is of bytes"), 0;
    *piece = (Piece){PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)};
    return 1;
}

static int mould(Splice *s, PyObject *parts) {
    if (!PyTuple_Check(parts) || PyTuple_GET_SIZE(parts) != 5)
        return PyErr_SetString(PyExc_TypeError, "a mould has five parts"), 0;
    s->tells = PyObject_IsTrue(PyTuple_GET_ITEM(parts, 4));
    return s->tells >= 0 && piece(PyTuple_GET_ITEM(parts, 0), &s->before) && piece(PyTuple_GET_ITEM(parts, 1), &s->after)
           && piece(PyTuple_GET_ITEM(parts, 2), &s->head) && piece(PyTuple_GET_ITEM(parts, 3), &s->tail);
}

/* Room for the texts of all events that there may be: none has more characters than bytes. */
static int room(Splice *s, PyObject *context, PyObject *pending) {
    Py_ssize_t before = PyUnicode_GET_LENGTH(context), held = PyUnicode_GET_LENGTH(pending);
    s->begun = before;
    s->length = before + held;
    s->text = PyMem_New(Py_UCS4, s->length + s->data.size + 1);
    s->released = PyMem_New(Py_UCS4, held + s->data.size + 1);
    if (!s->text || !s->released) return PyErr_NoMemory(), 0;
    return PyUnicode_AsUCS4(context, s->text, before + 1, 0) && PyUnicode_AsUCS4(pending, s->text + before, held + 1, 0);
}

static PyObject *string(const Py_UCS4 *text, Py_ssize_t count) {
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, text, count);
}

static PyObject *told(const Splice *s) {
    PyObject *out = PyBytes_FromStringAndSize(s->out.start ? s->out.start : "", s->out.size);
    PyObject *text = string(s->released, s->count), *context = string(s->text, s->begun);
    PyObject *pending = string(s->text + s->begun, s->length - s->begun);
    PyObject *used = PyLong_FromSsize_t(s->data.place), *all = NULL;
    if (out && text && context && pending && used) all = PyTuple_Pack(5, used, out, text, context, pending);
    Py_XDECREF(out), Py_XDECREF(text), Py_XDECREF(context), Py_XDECREF(pending), Py_XDECREF(used);
    return all;
}

static PyObject *splice(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    Splice s = {0};
    if (count != 7 || !PyBytes_Check(args[0]) || !PyUnicode_Check(args[4]) || !PyUnicode_Check(args[5]))
        return PyErr_SetString(PyExc_TypeError, "seven arguments are needed"), NULL;
    s.data = (Json){(const uint8_t *)PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0]), 0};
    s.fired = args[2];
    s.undecided = args[3];
    s.left = PyLong_AsSsize_t(args[6]);
    if (!mould(&s, args[1]) || (s.left == -1 && PyErr_Occurred())) return NULL;
    if (!has_piece(&s.data, &s.before) || s.left < 0) Py_RETURN_NONE;
    int taken = room(&s, args[4], args[5]) ? 1 : -1;
    while (taken > 0) taken = take(&s);
    PyObject *all = taken < 0 ? NULL : s.data.place ? told(&s) : Py_NewRef(Py_None);
    PyMem_Free(s.text), PyMem_Free(s.released), PyMem_Free(s.out.start);
    return all;
}

/* The size of the chunk at the place, which is behind its line then; 0 for the last one and for what is none. */
static Py_ssize_t chunk(Json *data) {
    Py_ssize_t size = 0;
    for (int n = 0; n < 8 && data->place < data->size; n++, data->place++) {
        Py_UCS4 c = data->data[data->place], low = lower(c);
        if (is_digit(c)) size = size << 4 | (c - '0');
        else if (low >= 'a' && low <= 'f') size = size << 4 | (low - 'a' + 10);
        else if (!n || !has_word(data, "\r\n")) return 0;
        else return data->place += 2, size;
    }
    return 0;
}

static PyObject *chunks(PyObject *self, PyObject *data) {
    (void)self;
    if (!PyBytes_Check(data)) return PyErr_SetString(PyExc_TypeError, "bytes are needed"), NULL;
    Json json = {(const uint8_t *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), 0};
    PyObject *body = PyBytes_FromStringAndSize(NULL, json.size);
    if (!body) return NULL;
    char *to = PyBytes_AS_STRING(body);
    Py_ssize_t done = 0;
    while (json.place < json.size) {
        Py_ssize_t size = chunk(&json);
        if (!size || json.size - json.place < size) break;
        memcpy(to + done, json.data + json.place, (size_t)size);
        json.place += size;
        if (!has_word(&json, "\r\n")) break;
        done += size;
        json.place += 2;
        if (json.place == json.size) return _PyBytes_Resize(&body, done) < 0 ? NULL : body;
    }
    Py_DECREF(body);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"splice", (PyCFunction)(void (*)(void))splice, METH_FASTCALL,
     "splice(data, mould, fired, undecided, context, pending, left): (used, out, text, context, pending), or None."},
    {"chunks", chunks, METH_O, "The body in chunks that all are whole and none the last; None for anything else."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "events", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_events(void) { return PyModuleDef_Init(&module); }
