/* The ordinary events of a read, and its chunks: both functions say how far they came. */
#include "splice.h"

#define MOST_SPARED 65536 /* characters */

static PyObject *told(const Splice *s, Py_ssize_t used) {
    PyObject *out = PyBytes_FromStringAndSize(s->out->start ? s->out->start : "", s->out->size);
    PyObject *text = string(s->released.start, s->released.count), *context = string(s->text.start, s->begun);
    PyObject *pending = string(s->text.start + s->begun, s->text.count - s->begun);
    PyObject *all = out && text && context && pending ? Py_BuildValue("(nOOOO)", used, out, text, context, pending) : NULL;
    Py_XDECREF(out), Py_XDECREF(text), Py_XDECREF(context), Py_XDECREF(pending);
    return all;
}

/* Made once: room, and what stands behind the callables, are the same from one read to the next. */
static Splice *spare;

static Splice *any(void) {
    Splice *one = spare ? spare : PyMem_Calloc(1, sizeof(Splice));
    spare = NULL; /* a callable may come here again */
    if (!one) return (void)PyErr_NoMemory(), NULL;
    one->released.count = 0;
    return one;
}

static void spared(Splice *one) {
    int is_large = one->text.room + one->released.room > MOST_SPARED;
    if (!spare && !is_large) {
        spare = one;
        return;
    }
    dropped(one);
    PyMem_Free(one);
}

static PyObject *splice(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 1 + LENT || !PyBytes_Check(args[0])) return PyErr_SetString(PyExc_TypeError, "eight arguments are needed"), NULL;
    Bytes out = {NULL, 0, 0};
    Splice *s = any();
    if (!s) return NULL;
    s->out = &out;
    Json data = {(const uint8_t *)PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0]), 0};
    int taken = lent(s, args + 1) ? 1 : -1;
    while (taken > 0) taken = take(s, &data);
    PyObject *all = taken < 0 ? NULL : data.place ? told(s, data.place) : Py_NewRef(Py_None);
    spared(s);
    PyMem_Free(out.start);
    return all;
}

static PyObject *chunks(PyObject *self, PyObject *data) {
    (void)self;
    if (!PyBytes_Check(data)) return PyErr_SetString(PyExc_TypeError, "bytes are needed"), NULL;
    PyObject *body = PyBytes_FromStringAndSize(NULL, PyBytes_GET_SIZE(data));
    if (!body) return NULL;
    Py_ssize_t size = unchunked((const uint8_t *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), PyBytes_AS_STRING(body));
    if (size >= 0) return _PyBytes_Resize(&body, size) < 0 ? NULL : body;
    Py_DECREF(body);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"splice", (PyCFunction)(void (*)(void))splice, METH_FASTCALL,
     "splice(data, mould, fired, undecided, surely, context, pending, left): (used, out, text, context, pending), or None."},
    {"chunks", chunks, METH_O, "The body in chunks that all are whole and none the last; None for anything else."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "events", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_events(void) { return PyModuleDef_Init(&module); }
