/* The best row of tags, and the sums of features' weights: the two loops of a tagger. The twins are best_slowly and
 * sums_slowly in guard/names/tagger.py; both give the very same numbers, for the order of the additions is the same. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define MOST_TAGS 64

static PyObject *wrong(Py_buffer *buffers, int count, const char *why) {
    for (int n = 0; n < count; n++) PyBuffer_Release(buffers + n);
    return PyErr_Format(PyExc_ValueError, "%s is wrong", why);
}

/* Viterbi 1967, in single precision; of equals the first. `back` has a row for each character. */
static void follow_back(const float *scores, const float *follow, const float *end, Py_ssize_t length, int kinds,
                        float *so_far, uint8_t *back) {
    float next[MOST_TAGS];
    for (Py_ssize_t t = 1; t < length; t++) {
        for (int k = 0; k < kinds; k++) {
            int chosen = 0;
            float top = so_far[0] + follow[k];
            for (int j = 1; j < kinds; j++) {
                const float path = so_far[j] + follow[j * kinds + k];
                if (path > top) {
                    top = path;
                    chosen = j;
                }
            }
            back[t * kinds + k] = (uint8_t)chosen;
            next[k] = top + scores[t * kinds + k];
        }
        memcpy(so_far, next, sizeof(float) * (size_t)kinds);
    }
    int tag = 0;
    for (int k = 1; k < kinds; k++)
        if (so_far[k] + end[k] > so_far[tag] + end[tag]) tag = k;
    for (Py_ssize_t t = length - 1; t > 0; t--) {
        const uint8_t before = back[t * kinds + tag];
        back[t * kinds] = (uint8_t)tag; /* this row was read for the last time: it keeps the tag */
        tag = before;
    }
    back[0] = (uint8_t)tag;
}

/* best(scores, follow, begin, end) -> bytes, a tag each */
static PyObject *best(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer b[4];
    if (!PyArg_ParseTuple(args, "y*y*y*y*", b, b + 1, b + 2, b + 3)) return NULL;
    const Py_ssize_t kinds = b[2].len / (Py_ssize_t)sizeof(float), row = kinds * (Py_ssize_t)sizeof(float);
    if (kinds < 1 || kinds > MOST_TAGS || b[2].len != row || b[3].len != row || b[1].len != row * kinds)
        return wrong(b, 4, "the tables' size");
    const Py_ssize_t length = b[0].len / row;
    if (length < 1 || b[0].len != row * length) return wrong(b, 4, "the scores' size");
    const float *scores = b[0].buf, *begin = b[2].buf;
    float so_far[MOST_TAGS];
    for (Py_ssize_t k = 0; k < kinds; k++) so_far[k] = scores[k] + begin[k];
    uint8_t *back = PyMem_RawMalloc((size_t)(length * kinds));
    PyObject *tags = back ? PyBytes_FromStringAndSize(NULL, length) : PyErr_NoMemory();
    if (tags) {
        char *out = PyBytes_AS_STRING(tags);
        Py_BEGIN_ALLOW_THREADS
        follow_back(scores, b[1].buf, b[3].buf, length, (int)kinds, so_far, back);
        for (Py_ssize_t t = 0; t < length; t++) out[t] = (char)back[t * kinds];
        Py_END_ALLOW_THREADS
    }
    PyMem_RawFree(back);
    for (int n = 0; n < 4; n++) PyBuffer_Release(b + n);
    return tags;
}

/* sums(weights, features, out): out[n] is the sum of the weights' rows of features[n] */
static PyObject *sums(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer b[3];
    Py_ssize_t kinds;
    if (!PyArg_ParseTuple(args, "y*y*w*n", b, b + 1, b + 2, &kinds)) return NULL;
    if (kinds < 1 || kinds > MOST_TAGS || b[0].len % kinds) return wrong(b, 3, "the weights' size");
    const Py_ssize_t rows = b[0].len / kinds, size = kinds * (Py_ssize_t)sizeof(int32_t);
    const Py_ssize_t count = b[2].len / size, cells = b[1].len / (Py_ssize_t)sizeof(int32_t);
    const Py_ssize_t width = count ? cells / count : 0;
    if (b[2].len != count * size || cells != width * count) return wrong(b, 3, "the features' size");
    const int32_t *features = b[1].buf;
    const int8_t *weights = b[0].buf;
    int32_t *out = b[2].buf;
    for (Py_ssize_t n = 0; n < cells; n++)
        if (features[n] < 0 || features[n] >= rows) return wrong(b, 3, "a feature");
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t n = 0; n < count; n++) {
        int32_t total[MOST_TAGS] = {0};
        for (Py_ssize_t f = 0; f < width; f++) {
            const int8_t *row = weights + (Py_ssize_t)features[n * width + f] * kinds;
            for (Py_ssize_t k = 0; k < kinds; k++) total[k] += row[k];
        }
        memcpy(out + n * kinds, total, (size_t)size);
    }
    Py_END_ALLOW_THREADS
    for (int n = 0; n < 3; n++) PyBuffer_Release(b + n);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"best", best, METH_VARARGS, "The best row of tags."},
                                {"sums", sums, METH_VARARGS, "The sums of features' weights."},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "chain", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_chain(void) { return PyModuleDef_Init(&module); }
