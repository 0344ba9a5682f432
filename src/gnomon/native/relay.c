/* The ordinary events of many streams, from the model servers' sockets to the callers' with no Python between.

   `gateway/relaying.py` says when a stream begins here; the twin is what happens where none does. A stream comes back,
   with what was read of it and not told, when anything else is in it than whole chunks of ordinary events, and when its
   caller does not take them. The sockets are copies of the loop's: what it closes is never another's number here. */
#include "splice.h"

#ifdef __linux__
#include <errno.h>
#include <fcntl.h>
#include <structmember.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_READS 64    /* streams that are read before anything is sent */
#define MOST_BYTES 65536 /* of one stream at once */
#define FRAME 18         /* a chunk's size in hexadecimal digits, and the end of its line */

typedef struct {
    PyObject_HEAD
    int epoll, is_busy;
    Bytes out; /* of all streams in one turn */
    uint8_t read[MOST_BYTES];
    char body[MOST_BYTES];
} Relay;

typedef struct {
    PyObject_HEAD
    Relay *relay; /* owned, as this is by it, until it stops */
    int from, to;
    int is_over, is_full;  /* something is left to others; nothing more is read here */
    int is_torn;           /* there was no memory for what was read */
    Py_ssize_t begin, end; /* of what goes out in this turn */
    Py_ssize_t most;       /* characters that are kept of what went on */
    double moved;          /* when anything came last, in seconds of the monotonic clock */
    PyObject *back;        /* owned, until it stops */
    PyObject *body, *raw;  /* owned: what was read in this turn and not told, as it is or in chunks */
    char *around;          /* the pieces of the mould */
    Splice splice;
} Stream;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stop(Stream *stream) {
    Relay *relay = stream->relay;
    if (!relay) return;
    stream->relay = NULL;
    if (relay->epoll >= 0) epoll_ctl(relay->epoll, EPOLL_CTL_DEL, stream->from, NULL);
    close(stream->from);
    close(stream->to);
    Py_CLEAR(stream->back);
    Py_DECREF(relay);
    Py_DECREF(stream);
}

/* Puts a chunk's size before what the turn's output holds from `begin` on, for which there is room, and its end behind. */
static Py_ssize_t frame(Bytes *out, Py_ssize_t begin) {
    static const char digits[] = "0123456789abcdef";
    Py_ssize_t size = out->size - begin;
    memcpy(out->start + begin - 2, "\r\n", 2);
    begin -= 2;
    for (; size; size >>= 4) out->start[--begin] = digits[size & 15];
    put(out, "\r\n", 2);
    return begin;
}

/* The ordinary events of a body go out; the stream is over with what follows them. */
static void tell(Stream *stream, Bytes *out, const char *body, Py_ssize_t size) {
    Json data = {(const uint8_t *)body, size, 0};
    Splice *s = &stream->splice;
    int taken = has_room(out, FRAME) ? 1 : -1;
    Py_ssize_t start = out->size, begin = taken < 0 ? start : (out->size += FRAME);
    s->out = out;
    while (taken > 0) taken = take(s, &data);
    if (taken < 0) PyErr_WriteUnraisable((PyObject *)stream); /* no memory; what comes back may have more luck */
    if (s->released.count > stream->most) s->released.count = stream->most;
    if (data.place < size) {
        stream->is_over = 1;
        stream->body = PyBytes_FromStringAndSize(body + data.place, size - data.place);
        stream->is_torn = !stream->body;
    }
    if (out->size > begin) stream->begin = frame(out, begin), stream->end = out->size;
    else out->size = start;
}

static void read_one(Relay *self, Stream *stream, int has_ended, double time) {
    stream->begin = stream->end = 0;
    stream->is_over = stream->is_full = has_ended; /* nothing will be told of it once more: the loop reads the end */
    ssize_t size = recv(stream->from, self->read, MOST_BYTES, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (size <= 0 || size == MOST_BYTES) stream->is_over = stream->is_full = 1; /* as it does the rest */
    if (size <= 0) return;
    stream->moved = time;
    Py_ssize_t length = unchunked(self->read, size, self->body);
    if (length >= 0) {
        tell(stream, &self->out, self->body, length);
    } else {
        stream->is_over = 1;
        stream->raw = PyBytes_FromStringAndSize((const char *)self->read, size);
        stream->is_torn = !stream->raw;
    }
}

static Py_ssize_t sent_of(const Stream *stream, const char *data, Py_ssize_t size) {
    ssize_t sent = send(stream->to, data, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? sent : 0; /* what is wrong with the socket, its loop will see */
}

static void send_one(Relay *self, Stream *stream) {
    if (stream->begin == stream->end || !stream->relay) return;
    stream->begin += sent_of(stream, self->out.start + stream->begin, stream->end - stream->begin);
    if (stream->begin < stream->end) stream->is_over = 1;
}

/* What `back` makes of what was read and not told; NULL where nothing comes of it. Without memory for that, it hears so. */
static PyObject *made_of(Stream *stream, PyObject *back, PyObject *unsent) {
    PyObject *body = stream->body ? stream->body : PyBytes_FromStringAndSize(NULL, 0);
    PyObject *raw = stream->raw ? stream->raw : PyBytes_FromStringAndSize(NULL, 0);
    int is_whole = unsent && body && raw && !stream->is_torn;
    stream->body = stream->raw = NULL;
    PyErr_Clear();
    PyObject *made = is_whole ? PyObject_CallFunctionObjArgs(back, unsent, body, raw, NULL) : PyObject_CallOneArg(back, Py_None);
    if (!made) PyErr_WriteUnraisable(back);
    Py_XDECREF(body), Py_XDECREF(raw);
    if (made && !PyBytes_Check(made)) Py_CLEAR(made);
    return made;
}

/* Gives what was not told to who knows more, and sends what that makes. Stops where nothing comes of it. */
static void come_back(Relay *self, Stream *stream) {
    int goes_on = 0;
    PyObject *back = Py_NewRef(stream->back), *made;
    PyObject *unsent = PyBytes_FromStringAndSize(self->out.start ? self->out.start + stream->begin : "", stream->end - stream->begin);
    while (!goes_on && stream->relay && (made = made_of(stream, back, unsent))) {
        Py_ssize_t size = PyBytes_GET_SIZE(made), sent = 0;
        if (stream->relay && size) sent = sent_of(stream, PyBytes_AS_STRING(made), size);
        Py_XSETREF(unsent, PyBytes_FromStringAndSize(PyBytes_AS_STRING(made) + sent, size - sent));
        Py_DECREF(made);
        goes_on = sent == size && !stream->is_full;
    }
    if (!goes_on) stop(stream);
    Py_XDECREF(unsent);
    Py_DECREF(back);
}

/* () -> whether anything was there: reads what has come, sends what that makes, gives back what is over. */
static PyObject *relay_turn(PyObject *object, PyObject *none) {
    (void)none;
    Relay *self = (Relay *)object;
    struct epoll_event events[MOST_READS];
    if (self->is_busy || self->epoll < 0) Py_RETURN_FALSE;
    int count = epoll_wait(self->epoll, events, MOST_READS, 0);
    if (count <= 0) Py_RETURN_FALSE;
    double time = now();
    self->is_busy = 1;
    self->out.size = 0;
    for (int n = 0; n < count; n++) Py_INCREF((PyObject *)events[n].data.ptr);
    for (int n = 0; n < count; n++)
        read_one(self, events[n].data.ptr, (events[n].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0, time);
    for (int n = 0; n < count; n++) send_one(self, events[n].data.ptr);
    for (int n = 0; n < count; n++) {
        Stream *stream = events[n].data.ptr;
        if (stream->is_over && stream->relay) come_back(self, stream);
        Py_CLEAR(stream->body);
        Py_CLEAR(stream->raw);
        Py_DECREF(stream);
    }
    self->is_busy = 0;
    Py_RETURN_TRUE;
}

static int copy_pieces(Stream *stream) {
    Piece *pieces[] = {&stream->splice.before, &stream->splice.after, &stream->splice.head, &stream->splice.tail};
    Py_ssize_t size = 0;
    for (int n = 0; n < 4; n++) size += pieces[n]->size;
    char *to = PyMem_Malloc((size_t)size + 1);
    if (!to) return PyErr_NoMemory(), 0;
    PyMem_Free(stream->around);
    stream->around = to;
    for (int n = 0; n < 4; n++) {
        memcpy(to, pieces[n]->start, (size_t)pieces[n]->size);
        pieces[n]->start = to;
        to += pieces[n]->size;
    }
    return 1;
}

/* Copies both sockets and listens to one; an exception is set where the system has no more. */
static int connected(Relay *self, Stream *stream, int from, int to) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = stream};
    stream->from = fcntl(from, F_DUPFD_CLOEXEC, 0);
    stream->to = fcntl(to, F_DUPFD_CLOEXEC, 0);
    if (stream->from >= 0 && stream->to >= 0 && !epoll_ctl(self->epoll, EPOLL_CTL_ADD, stream->from, &event)) return 1;
    PyErr_SetFromErrno(PyExc_OSError);
    if (stream->from >= 0) close(stream->from);
    if (stream->to >= 0) close(stream->to);
    return 0;
}

static PyTypeObject *stream_type(PyObject *relay) {
    PyTypeObject **type = PyType_GetModuleState(Py_TYPE(relay));
    return type ? *type : NULL;
}

static PyObject *relay_begin(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    Relay *self = (Relay *)object;
    if (count != 4 + LENT) return PyErr_SetString(PyExc_TypeError, "eleven arguments are needed"), NULL;
    int from = (int)PyLong_AsLong(args[0]), to = (int)PyLong_AsLong(args[1]);
    Py_ssize_t most = PyLong_AsSsize_t(args[3]);
    if (PyErr_Occurred()) return NULL;
    PyTypeObject *type = stream_type(object);
    Stream *stream = type ? (Stream *)type->tp_alloc(type, 0) : NULL;
    if (!stream) return NULL;
    stream->moved = now();
    stream->most = most;
    stream->back = Py_NewRef(args[2]);
    if (!lent(&stream->splice, args + 4) || !copy_pieces(stream) || !connected(self, stream, from, to)) return Py_DECREF(stream), NULL;
    stream->relay = (Relay *)Py_NewRef(object);
    return Py_NewRef((PyObject *)stream); /* one for the relay, one for who asked */
}

static PyObject *relay_fileno(PyObject *self, PyObject *none) {
    (void)none;
    return PyLong_FromLong(((Relay *)self)->epoll);
}

static PyObject *relay_close(PyObject *object, PyObject *none) {
    (void)none;
    Relay *self = (Relay *)object;
    if (self->epoll >= 0) close(self->epoll);
    self->epoll = -1;
    Py_RETURN_NONE;
}

static PyObject *relay_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args, (void)kwargs;
    Relay *self = (Relay *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll >= 0) return (PyObject *)self;
    PyErr_SetFromErrno(PyExc_OSError);
    Py_DECREF(self);
    return NULL;
}

static void relay_dealloc(PyObject *object) {
    Relay *self = (Relay *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->epoll >= 0) close(self->epoll);
    PyMem_Free(self->out.start);
    type->tp_free(object);
    Py_DECREF(type);
}

/* () -> (events, characters that went on, those of them that are kept, the context, what is held back), once. */
static PyObject *stream_take(PyObject *object, PyObject *none) {
    (void)none;
    Splice *s = &((Stream *)object)->splice;
    PyObject *kept = string(s->released.start, s->released.count), *context = string(s->text.start, s->begun);
    PyObject *pending = string(s->text.start + s->begun, s->text.count - s->begun);
    PyObject *all = kept && context && pending ? Py_BuildValue("(nnOOO)", s->events, s->passed, kept, context, pending) : NULL;
    Py_XDECREF(kept), Py_XDECREF(context), Py_XDECREF(pending);
    if (all) s->released.count = s->passed = s->events = 0;
    return all;
}

static PyObject *stream_lend(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    Stream *stream = (Stream *)object;
    if (count != 1 + LENT) return PyErr_SetString(PyExc_TypeError, "eight arguments are needed"), NULL;
    Py_ssize_t most = PyLong_AsSsize_t(args[0]);
    if ((most == -1 && PyErr_Occurred()) || !lent(&stream->splice, args + 1) || !copy_pieces(stream)) return NULL;
    stream->most = most;
    Py_RETURN_NONE;
}

static PyObject *stream_stop(PyObject *object, PyObject *none) {
    (void)none;
    stop((Stream *)object);
    Py_RETURN_NONE;
}

static void stream_dealloc(PyObject *object) {
    Stream *stream = (Stream *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(stream->back), Py_XDECREF(stream->body), Py_XDECREF(stream->raw);
    dropped(&stream->splice);
    PyMem_Free(stream->around);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef relay_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))relay_begin, METH_FASTCALL,
     "begin(from, to, back, most, mould, fired, undecided, surely, context, pending, left): a stream that goes on here."},
    {"turn", relay_turn, METH_NOARGS, "Reads what has come, sends what that makes, gives back what is over."},
    {"fileno", relay_fileno, METH_NOARGS, "To be waited for until it can be read."},
    {"close", relay_close, METH_NOARGS, "Nothing is read any more."},
    {NULL, NULL, 0, NULL},
};
static PyMethodDef stream_methods[] = {
    {"take", stream_take, METH_NOARGS, "(events, characters that went on, those of them that are kept, context, what is held back)."},
    {"lend", (PyCFunction)(void (*)(void))stream_lend, METH_FASTCALL,
     "lend(most, mould, fired, undecided, surely, context, pending, left): goes on behind what others did."},
    {"stop", stream_stop, METH_NOARGS, "Nothing goes on here any more."},
    {NULL, NULL, 0, NULL},
};
static PyMemberDef stream_members[] = {
    {"moved", T_DOUBLE, offsetof(Stream, moved), READONLY, "When anything came last, on the monotonic clock."},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot relay_slots[] = {
    {Py_tp_new, relay_new}, {Py_tp_dealloc, relay_dealloc}, {Py_tp_methods, relay_methods}, {0, NULL}};
static PyType_Slot stream_slots[] = {
    {Py_tp_dealloc, stream_dealloc}, {Py_tp_methods, stream_methods}, {Py_tp_members, stream_members}, {0, NULL}};
static PyType_Spec relay_spec = {"gnomon.native.relay.Relay", sizeof(Relay), 0, Py_TPFLAGS_DEFAULT, relay_slots};
static PyType_Spec stream_spec = {
    "gnomon.native.relay.Stream", sizeof(Stream), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, stream_slots};

static int made(PyObject *module) {
    PyTypeObject **stream = PyModule_GetState(module);
    PyObject *relay = PyType_FromModuleAndSpec(module, &relay_spec, NULL);
    *stream = (PyTypeObject *)PyType_FromModuleAndSpec(module, &stream_spec, NULL);
    int failed = !relay || !*stream || PyModule_AddObjectRef(module, "Relay", relay) < 0;
    Py_XDECREF(relay);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, made}, {0, NULL}};
#define STATE sizeof(PyTypeObject *)
#else /* no epoll: the module is empty */
static PyModuleDef_Slot slots[] = {{0, NULL}};
#define STATE 0
#endif

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "relay", NULL, STATE, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_relay(void) { return PyModuleDef_Init(&module); }
