/* Ordinary events of a stream: what stands around their text is known, and nothing is to be found in it.

   The twin is what `gateway.streaming` does with any event. Whatever is not ordinary is left to it, untouched. */
#ifndef GNOMON_SPLICE_H
#define GNOMON_SPLICE_H
#pragma GCC diagnostic ignored "-Wunused-function" /* json.h knows more than is needed here */
#include "json.h"

#include "ask.h"

#define MOST_WAITING 19 /* characters; a web token or a key's first line is longer (detectors/secrets.py) */
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
    Py_UCS4 *start;
    Py_ssize_t count, room;
} Characters;

typedef struct {
    Piece before, after, head, tail; /* of an event as it comes, and as it goes on */
    int tells;                       /* whether one goes on though all of its text is held back */
    Asked fired, undecided, surely;
    Memo seen;       /* what has fired of the text up to now */
    Characters text; /* the context, and from `begun` on what is not decided */
    Py_ssize_t begun, left;
    Characters released;
    Bytes *out; /* somebody else's */
    Py_ssize_t events, passed; /* so many were taken, and so many characters let pass */
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

static int has_characters(Characters *text, Py_ssize_t more) {
    if (text->room - text->count >= more) return 1;
    Py_ssize_t room = text->count + more + text->count / 2;
    Py_UCS4 *start = PyMem_Realloc(text->start, (size_t)room * sizeof(Py_UCS4));
    if (!start) return PyErr_NoMemory(), 0;
    text->start = start;
    text->room = room;
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

/* The event with `count` characters for its text; there is room for the end of a chunk behind it. */
static int put_event(const Splice *s, const Py_UCS4 *text, Py_ssize_t count) {
    if (!count && !s->tells) return 1;
    if (!has_room(s->out, s->head.size + s->tail.size + 4 + 6 * count)) return 0;
    put(s->out, s->head.start, s->head.size);
    put(s->out, "\"", 1);
    for (Py_ssize_t n = 0; n < count; n++) put_character(s->out, text[n]);
    put(s->out, "\"", 1);
    put(s->out, s->tail.start, s->tail.size);
    return 1;
}

/* Whether a text with something in it may be held back without a look at what that is: it is as it will be read, and too
   short for what a caller is told of before its end (`Window.opening`). */
static int may_wait(const Splice *s, Py_ssize_t length) {
    if (length - s->begun > MOST_WAITING) return 0;
    for (Py_ssize_t n = s->begun; n < length; n++)
        if (s->text.start[n] >= 0x80) return 0;
    return 1;
}

/* Up to where a text is decided; -1: more has to be asked, or something was found; -2: an exception is set. */
static Py_ssize_t decided(Splice *s, Py_ssize_t length) {
    Words words = {s->text.start, length, s->text.count, NULL};
    int64_t found = ask(&s->fired, &words, -1, &s->seen), at = FAILED;
    if (found != FAILED && (!found || may_wait(s, length))) {
        at = ask(&s->undecided, &words, s->begun, NULL);
        if (at < 0 && at != FAILED) at = ask(&s->surely, &words, s->begun, NULL);
    } else if (found != FAILED) {
        at = -1;
    }
    Py_XDECREF(words.string);
    if (at == FAILED) return -2;
    if (at < 0 || (found && at > s->begun)) return -1;
    if (at < s->begun || at > length) return PyErr_SetString(PyExc_ValueError, "no place of this text"), -2;
    return (Py_ssize_t)at;
}

/* 1: the event at the place was ordinary, and the place is behind it; 0: it is not; -1: an exception is set. */
static int take(Splice *s, Json *data) {
    Json json = *data;
    Characters *text = &s->text, *released = &s->released;
    if (!has_piece(&json, &s->before)) return 0;
    json.place += s->before.size;
    if (json.place >= json.size || json.data[json.place] != '"') return 0;
    if (!has_characters(text, json.size - json.place)) return -1; /* none has more characters than bytes */
    Py_ssize_t count = string_at(&json, text->start + text->count);
    if (count <= 0 || !has_piece(&json, &s->after)) return 0;
    Py_ssize_t length = text->count + count, at = decided(s, length), passed = at - s->begun;
    if (at < 0) return at == -1 ? 0 : -1;
    if (length - at > MOST_HELD) return 0;
    if (!has_characters(released, passed + 1) || !put_event(s, text->start + s->begun, passed)) return -1;
    memcpy(released->start + released->count, text->start + s->begun, (size_t)passed * sizeof(Py_UCS4));
    released->count += passed;
    s->passed += passed;
    s->events++;
    Py_ssize_t gone = at > s->left ? at - s->left : 0;
    memmove(text->start, text->start + gone, (size_t)(length - gone) * sizeof(Py_UCS4));
    s->begun = at - gone;
    text->count = length - gone;
    data->place = json.place + s->after.size;
    return 1;
}

static int piece(PyObject *value, Piece *piece) {
    if (!PyBytes_Check(value)) return PyErr_SetString(PyExc_TypeError, "a mould is of bytes"), 0;
    *piece = (Piece){PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)};
    return 1;
}

/* Points into the mould, which has to stay. */
static int mould(Splice *s, PyObject *parts) {
    if (!PyTuple_Check(parts) || PyTuple_GET_SIZE(parts) != 5)
        return PyErr_SetString(PyExc_TypeError, "a mould has five parts"), 0;
    s->tells = PyObject_IsTrue(PyTuple_GET_ITEM(parts, 4));
    return s->tells >= 0 && piece(PyTuple_GET_ITEM(parts, 0), &s->before) && piece(PyTuple_GET_ITEM(parts, 1), &s->after)
           && piece(PyTuple_GET_ITEM(parts, 2), &s->head) && piece(PyTuple_GET_ITEM(parts, 3), &s->tail);
}

#define LENT 7

/* (mould, fired, undecided, surely, context, pending, left): all but the mould is kept, until it is `dropped`. */
static int lent(Splice *s, PyObject *const *args) {
    PyObject *context = args[4], *pending = args[5];
    if (!PyUnicode_Check(context) || !PyUnicode_Check(pending)) return PyErr_SetString(PyExc_TypeError, "a text"), 0;
    Py_ssize_t before = PyUnicode_GET_LENGTH(context), held = PyUnicode_GET_LENGTH(pending);
    s->left = PyLong_AsSsize_t(args[6]);
    s->text.count = 0;
    s->seen.is_known = 0;
    if (s->left < 0) return PyErr_Occurred() ? 0 : (PyErr_SetString(PyExc_ValueError, "nothing is left of it"), 0);
    if (!mould(s, args[0]) || !has_characters(&s->text, before + held + 1)) return 0;
    become(&s->fired, args[1], 1);
    become(&s->undecided, args[2], 1);
    become(&s->surely, args[3], 0);
    s->begun = before;
    s->text.count = before + held;
    return PyUnicode_AsUCS4(context, s->text.start, before + 1, 0) && PyUnicode_AsUCS4(pending, s->text.start + before, held + 1, 0);
}

static void dropped(Splice *s) {
    PyMem_Free(s->text.start), PyMem_Free(s->released.start);
    forget(&s->fired), forget(&s->undecided), forget(&s->surely);
}

static PyObject *string(const Py_UCS4 *text, Py_ssize_t count) {
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, text, count);
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

/* The body in chunks that all are whole and none the last, which is never longer than they are: its size, or -1. */
static Py_ssize_t unchunked(const uint8_t *data, Py_ssize_t size, char *to) {
    Json json = {data, size, 0};
    Py_ssize_t done = 0;
    while (json.place < json.size) {
        Py_ssize_t next = chunk(&json);
        if (!next || json.size - json.place < next) return -1;
        memcpy(to + done, json.data + json.place, (size_t)next);
        json.place += next;
        if (!has_word(&json, "\r\n")) return -1;
        done += next;
        json.place += 2;
    }
    return done ? done : -1;
}

#endif
