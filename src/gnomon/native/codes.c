/* Unified social credit codes with their check character. The twin is detectors.social_credit.CHECKED. */
#include "found.h"

#define LENGTH 18

/* The value of a character of GB 32100, -1 for those that it leaves out. */
static int value_in_code(Py_UCS4 c) {
    static const int8_t values[26] = {10, 11, 12, 13, 14, 15, 16, 17, -1, 18, 19, 20, 21,
                                      22, -1, 23, 24, 25, -1, 26, 27, -1, 28, 29, 30, -1};
    return is_digit(c) ? (int)c - '0' : values[lower(c) - 'a'];
}

/* Whether the letters and digits from a place on are such a code. */
static int is_code(const Text *text, Py_ssize_t place) {
    static const int weights[LENGTH - 1] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
    int sum = 0;
    for (int n = 0; n < LENGTH; n++) {
        Py_UCS4 c = at(text, place + n);
        int value = value_in_code(c);
        if (value < 0 || (n >= 2 && n < 8 && !is_digit(c))) return 0;
        sum += n < LENGTH - 1 ? weights[n] * value : value;
    }
    return sum % 31 == 0;
}

static PyObject *codes(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 3 || !PyUnicode_Check(args[0]) || !PyType_Check(args[1]) ||
        !PyType_IsSubtype((PyTypeObject *)args[1], &PyTuple_Type))
        return PyErr_SetString(PyExc_TypeError, "a text, a type of tuples and an entity"), NULL;
    Text text = text_of(args[0]);
    PyObject *found = PyList_New(0);
    if (!found) return NULL;
    for (Py_ssize_t place = 0, end; place < text.length; place = end + 1) {
        for (end = place; is_word(at(&text, end)); end++) {}
        if (end - place != LENGTH || !is_code(&text, place)) continue;
        PyObject *item = found_at((PyTypeObject *)args[1], args[2], place, place + LENGTH, 1);
        if (!item || PyList_Append(found, item) < 0) return Py_XDECREF(item), Py_DECREF(found), NULL;
        Py_DECREF(item);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"codes", (PyCFunction)(void (*)(void))codes, METH_FASTCALL, "(text, type, entity) -> what is found."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "codes", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_codes(void) { return PyModuleDef_Init(&module); }
