/* The numbers of features: hashes of what is known of a character and of its neighbours. The twin is
 * guard/names/features.py, which says what is known and what goes together. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef struct {
    const uint32_t *known;       /* parts x size: what is known of each place, part by part */
    const int64_t *what, *where; /* width x most: of which part, and how many places away */
    const uint32_t *salt;        /* width */
    const int64_t *places;       /* of the characters, in the row of all */
    int32_t *out;                /* characters x width */
    Py_ssize_t parts, size, width, most, count;
    int bits;
} Task;

/* What is wrong with the numbers, or NULL: nothing outside of `known` may be read. */
static const char *wrong(const Task *task) {
    int64_t least = 0, furthest = 0;
    for (Py_ssize_t n = 0; n < task->width * task->most; n++) {
        if (task->what[n] < 0 || task->what[n] >= task->parts) return "a part";
        if (task->where[n] < -task->size || task->where[n] > task->size) return "a step";
        if (task->where[n] < least) least = task->where[n];
        if (task->where[n] > furthest) furthest = task->where[n];
    }
    for (Py_ssize_t n = 0; n < task->count; n++)
        if (task->places[n] < -least || task->places[n] >= task->size - furthest) return "a place";
    return NULL;
}

static void hash_all(const Task *task) {
    const int shift = 32 - task->bits;
    for (Py_ssize_t n = 0; n < task->count; n++) {
        const uint32_t *here = task->known + task->places[n];
        for (Py_ssize_t f = 0; f < task->width; f++) {
            const uint32_t salt = task->salt[f];
            uint32_t total = salt;
            for (Py_ssize_t p = f * task->most; p < (f + 1) * task->most; p++) {
                total = (total ^ here[task->what[p] * task->size + task->where[p]]) * salt;
                total ^= total >> 13;
            }
            task->out[n * task->width + f] = (int32_t)((total * 0x2C1B3C6Du) >> shift);
        }
    }
}

enum { KNOWN, WHAT, WHERE, SALT, PLACES, OUT, BUFFERS };

static PyObject *hashed(Py_buffer *buffers, Py_ssize_t parts, int bits) {
    const Py_ssize_t width = buffers[SALT].len / 4, cells = buffers[KNOWN].len / 4, groups = buffers[WHAT].len / 8;
    Task task = {buffers[KNOWN].buf, buffers[WHAT].buf, buffers[WHERE].buf, buffers[SALT].buf, buffers[PLACES].buf,
                 buffers[OUT].buf, parts, parts > 0 ? cells / parts : 0, width, width ? groups / width : 0,
                 buffers[PLACES].len / 8, bits};
    const char *why = NULL;
    if (bits < 1 || bits > 31 || parts < 1 || task.size * parts != cells || buffers[KNOWN].len % 4) why = "what is known";
    else if (!width || task.most * width != groups || buffers[WHERE].len != buffers[WHAT].len) why = "the groups' size";
    else if (buffers[OUT].len / 4 / width != task.count || buffers[OUT].len != task.count * width * 4) why = "the room";
    else why = wrong(&task);
    if (why) return PyErr_Format(PyExc_ValueError, "%s is wrong", why);
    Py_BEGIN_ALLOW_THREADS
    hash_all(&task);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* hashed(known, what, where, salt, places, out, parts, bits): fills `out`. */
static PyObject *run(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer buffers[BUFFERS];
    Py_ssize_t parts;
    int bits;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*ni", buffers, buffers + 1, buffers + 2, buffers + 3, buffers + 4,
                          buffers + 5, &parts, &bits))
        return NULL;
    PyObject *done = hashed(buffers, parts, bits);
    for (int n = 0; n < BUFFERS; n++) PyBuffer_Release(buffers + n);
    return done;
}

static PyMethodDef methods[] = {
    {"hashed", run, METH_VARARGS, "(known, what, where, salt, places, out, parts, bits): fills `out`."},
    {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "hashing", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_hashing(void) { return PyModuleDef_Init(&module); }
