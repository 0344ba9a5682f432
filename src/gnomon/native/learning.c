/* Steps of learning a linear chain, one sentence after the other: score, forward and backward, AdaGrad. The twin is
 * guard/names/training.py; it draws the dice and checks nothing that is not checked here again. */
#pragma GCC optimize("O3", "no-math-errno", "no-trapping-math")
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define TAGS 13
#define ROW 16 /* a feature's weights: one for each tag, padded */
#define MOST 8192 /* characters of a sentence */

typedef struct {
    const int32_t *features; /* one row of `width` for each character */
    const float *seen;       /* alike: what a feature counts for, 0 when it is not seen in this step */
    const int8_t *tags;
    float *weights, *squares, *follow, *follow_squares;
    const uint8_t *allowed; /* TAGS x TAGS, then TAGS to begin with, then TAGS to end with */
    Py_ssize_t width, rows;
    float rate, least;
} Step;

typedef struct {
    float scores[MOST][ROW];
    double forward[MOST][TAGS], fits[MOST][TAGS], scale[MOST];
    double moves[TAGS][TAGS], slopes[TAGS][TAGS];
} Space;

static int begins(const Step *step, int k) { return step->allowed[TAGS * TAGS + k]; }
static int ends(const Step *step, int k) { return step->allowed[TAGS * TAGS + TAGS + k]; }

static void score(const Step *step, Space *space, Py_ssize_t first, Py_ssize_t length) {
    for (Py_ssize_t t = 0; t < length; t++) {
        float total[ROW] = {0};
        const Py_ssize_t at = (first + t) * step->width;
        for (Py_ssize_t f = 0; f < step->width; f++) {
            const float seen = step->seen[at + f];
            if (seen == 0) continue;
            const float *row = step->weights + (Py_ssize_t)step->features[at + f] * ROW;
            for (int k = 0; k < ROW; k++) total[k] += seen * row[k];
        }
        memcpy(space->scores[t], total, sizeof total);
    }
}

/* The likelihood's logarithm of all rows of tags, less that of the true row. */
static double forward(const Step *step, Space *space, Py_ssize_t first, Py_ssize_t length) {
    double loss = 0;
    for (Py_ssize_t t = 0; t < length; t++) {
        float top = space->scores[t][0];
        for (int k = 1; k < TAGS; k++) top = fmaxf(top, space->scores[t][k]);
        double sum = 0;
        for (int k = 0; k < TAGS; k++) {
            double reached = t == 0 ? begins(step, k) : 0;
            for (int j = 0; t > 0 && j < TAGS; j++) reached += space->forward[t - 1][j] * space->moves[j][k];
            if (t == length - 1) reached *= ends(step, k);
            space->fits[t][k] = exp((double)space->scores[t][k] - top);
            sum += space->forward[t][k] = reached * space->fits[t][k];
        }
        sum = fmax(sum, 1e-300);
        for (int k = 0; k < TAGS; k++) space->forward[t][k] /= sum;
        space->scale[t] = sum;
        const int tag = step->tags[first + t];
        loss += log(sum) + top - space->scores[t][tag];
        if (t > 0) loss -= step->follow[step->tags[first + t - 1] * TAGS + tag];
    }
    return loss;
}

/* Weights of one character's features, moved against their slope. */
static void move(const Step *step, Py_ssize_t at, const float *slope) {
    for (Py_ssize_t f = 0; f < step->width; f++) {
        const float seen = step->seen[at + f];
        if (seen == 0) continue;
        float *row = step->weights + (Py_ssize_t)step->features[at + f] * ROW;
        float *square = step->squares + (Py_ssize_t)step->features[at + f] * ROW;
        for (int k = 0; k < ROW; k++) {
            const float part = slope[k] * seen;
            square[k] += part * part;
            row[k] -= step->rate * part / sqrtf(square[k]);
        }
    }
}

/* Backward, one character at a time: its chances are known, so its weights move; the scores were taken before. */
static void backward(const Step *step, Space *space, Py_ssize_t first, Py_ssize_t length) {
    double ahead[TAGS], before[TAGS], fits[TAGS];
    memset(space->slopes, 0, sizeof space->slopes);
    for (int k = 0; k < TAGS; k++) ahead[k] = ends(step, k);
    for (Py_ssize_t t = length - 1; t >= 0; t--) {
        const int tag = step->tags[first + t];
        float slope[ROW] = {0}, largest = 0;
        double chance[TAGS], sum = 0;
        for (int k = 0; k < TAGS; k++) sum += chance[k] = space->forward[t][k] * (t == length - 1 ? 1 : ahead[k]);
        for (int k = 0; k < TAGS; k++) {
            slope[k] = (float)(chance[k] / fmax(sum, 1e-300)) - (tag == k);
            largest = fmaxf(largest, fabsf(slope[k]));
        }
        if (largest > step->least) move(step, (first + t) * step->width, slope);
        if (t == 0) break;
        double pairs = 0;
        for (int k = 0; k < TAGS; k++) fits[k] = space->fits[t][k] * ahead[k];
        for (int j = 0; j < TAGS; j++) {
            before[j] = 0;
            for (int k = 0; k < TAGS; k++) before[j] += space->moves[j][k] * fits[k];
            pairs += space->forward[t - 1][j] * before[j];
        }
        pairs = fmax(pairs, 1e-300);
        for (int j = 0; j < TAGS; j++) {
            for (int k = 0; k < TAGS; k++)
                space->slopes[j][k] += space->forward[t - 1][j] * space->moves[j][k] * fits[k] / pairs;
            ahead[j] = before[j] / space->scale[t];
        }
        space->slopes[step->tags[first + t - 1]][tag] -= 1;
    }
}

static double learn_one(const Step *step, Space *space, Py_ssize_t first, Py_ssize_t length) {
    for (int j = 0; j < TAGS; j++)
        for (int k = 0; k < TAGS; k++)
            space->moves[j][k] = step->allowed[j * TAGS + k] ? exp((double)step->follow[j * TAGS + k]) : 0;
    score(step, space, first, length);
    const double loss = forward(step, space, first, length);
    backward(step, space, first, length);
    for (int j = 0; j < TAGS; j++)
        for (int k = 0; k < TAGS; k++) {
            const float slope = (float)space->slopes[j][k];
            float *square = step->follow_squares + j * TAGS + k;
            *square += slope * slope;
            step->follow[j * TAGS + k] -= step->rate * slope / sqrtf(*square);
        }
    return loss;
}

/* What is wrong with the numbers, or NULL. */
static const char *wrong(const Step *step, const int64_t *lengths, Py_ssize_t count, Py_ssize_t characters) {
    Py_ssize_t total = 0;
    for (Py_ssize_t n = 0; n < count; n++) {
        if (lengths[n] < 1 || lengths[n] > MOST || lengths[n] > characters - total) return "a sentence's length";
        total += lengths[n];
    }
    if (total != characters) return "the sum of the lengths";
    for (Py_ssize_t n = 0; n < characters; n++)
        if (step->tags[n] < 0 || step->tags[n] >= TAGS) return "a tag";
    for (Py_ssize_t n = 0; n < characters * step->width; n++)
        if (step->features[n] < 0 || step->features[n] >= step->rows) return "a feature";
    return NULL;
}

enum { FEATURES, SEEN, CODES, LENGTHS, WEIGHTS, SQUARES, FOLLOW, FOLLOW_SQUARES, ALLOWED, BUFFERS };

static PyObject *learned(Py_buffer *buffers, float rate, float least) {
    const Py_ssize_t characters = buffers[CODES].len, count = buffers[LENGTHS].len / (Py_ssize_t)sizeof(int64_t);
    const Py_ssize_t cells = buffers[FEATURES].len / (Py_ssize_t)sizeof(int32_t);
    Step step = {
        buffers[FEATURES].buf, buffers[SEEN].buf, buffers[CODES].buf, buffers[WEIGHTS].buf, buffers[SQUARES].buf,
        buffers[FOLLOW].buf, buffers[FOLLOW_SQUARES].buf, buffers[ALLOWED].buf,
        characters ? cells / characters : 0, buffers[WEIGHTS].len / (Py_ssize_t)(ROW * sizeof(float)), rate, least};
    const Py_ssize_t square = TAGS * TAGS * (Py_ssize_t)sizeof(float);
    const char *why = NULL;
    if (characters == 0 || step.width * characters != cells || buffers[SEEN].len != cells * (Py_ssize_t)sizeof(float))
        why = "the features' size";
    else if (buffers[SQUARES].len != buffers[WEIGHTS].len || buffers[FOLLOW].len != square
             || buffers[FOLLOW_SQUARES].len != square || buffers[ALLOWED].len != TAGS * TAGS + 2 * TAGS)
        why = "the tables' size";
    else
        why = wrong(&step, buffers[LENGTHS].buf, count, characters);
    if (why) return PyErr_Format(PyExc_ValueError, "%s is wrong", why);
    Space *space = PyMem_RawMalloc(sizeof *space);
    if (!space) return PyErr_NoMemory();
    double loss = 0;
    Py_BEGIN_ALLOW_THREADS
    Py_ssize_t first = 0;
    const int64_t *lengths = buffers[LENGTHS].buf;
    for (Py_ssize_t n = 0; n < count; first += (Py_ssize_t)lengths[n++])
        loss += learn_one(&step, space, first, (Py_ssize_t)lengths[n]);
    Py_END_ALLOW_THREADS
    PyMem_RawFree(space);
    return PyFloat_FromDouble(loss);
}

/* learn(features, seen, tags, lengths, weights, squares, follow, follow_squares, allowed, rate, least) -> loss */
static PyObject *learn(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer buffers[BUFFERS];
    float rate, least;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*w*w*w*y*ff", buffers, buffers + 1, buffers + 2, buffers + 3, buffers + 4,
                          buffers + 5, buffers + 6, buffers + 7, buffers + 8, &rate, &least))
        return NULL;
    PyObject *loss = learned(buffers, rate, least);
    for (int n = 0; n < BUFFERS; n++) PyBuffer_Release(buffers + n);
    return loss;
}

static PyMethodDef methods[] = {
    {"learn", learn, METH_VARARGS, "One pass over some sentences; the weights move. Returns the loss."},
    {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "learning", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_learning(void) { return PyModuleDef_Init(&module); }
