/* E-mail addresses in one piece. The twin is detectors.email.whole. */
#include "found.h"

#define LONGEST 128
#define LABEL 63
#define MOST_LABELS 8

typedef struct {
    Py_ssize_t start, end; /* end 0: none */
} Place;

static int is_local(Py_UCS4 c) { return is_word(c) || c == '_' || c == '.' || c == '%' || c == '+' || c == '-'; }

/* One past a label and its full stop, or -1. */
static Py_ssize_t after_label(const Text *text, Py_ssize_t place) {
    Py_ssize_t end = place + 1;
    if (!is_word(at(text, place))) return -1;
    while (end - place < LABEL && (is_word(at(text, end)) || at(text, end) == '-')) end++;
    return at(text, end) == '.' ? end + 1 : -1;
}

/* One past a top level domain that nothing goes on with, or -1. */
static Py_ssize_t after_top(const Text *text, Py_ssize_t place) {
    Py_ssize_t end = place;
    while (end - place < 25 && is_letter(at(text, end))) end++;
    return end - place < 2 || end - place > 24 || is_word(at(text, end)) || at(text, end) == '-' ? -1 : end;
}

/* Where the domain ends that begins at a place, as many labels as can be; -1: none. */
static Py_ssize_t domain_end(const Text *text, Py_ssize_t place) {
    Py_ssize_t end = -1;
    for (int labels = 0; labels < MOST_LABELS; labels++) {
        place = after_label(text, place);
        if (place < 0) break;
        Py_ssize_t top = after_top(text, place);
        if (top >= 0) end = top;
    }
    return end;
}

/* What names and passwords in an address are made of; all of it are characters of tokens (cutting.TOKEN). */
static int is_credential(Py_UCS4 c) { return is_word(c) || (c && c < 128 && strchr("!#$%&()*+-.:=?@[]\\^_~", (int)c)); }

/* user:password@host in an address is not mail. */
static int is_userinfo(const Text *text, Py_ssize_t sign, Py_ssize_t least) {
    for (Py_ssize_t place = sign - 1; place >= least + 2; place--) {
        Py_UCS4 c = at(text, place);
        if (c == '/') return at(text, place - 1) == '/' && at(text, place - 2) == ':';
        if (!is_credential(c)) return 0;
    }
    return 0;
}

static Place address_at(const Text *text, Py_ssize_t sign) {
    Py_ssize_t least = sign > LONGEST ? sign - LONGEST : 0, start = sign;
    Place place = {0, 0};
    while (start > least && is_local(at(text, start - 1))) start--;
    if (start == sign) return place;
    Py_ssize_t end = domain_end(text, sign + 1);
    if (end < 0 || is_userinfo(text, sign, least)) return place;
    return (Place){start, end};
}

static PyObject *addresses(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 3 || !PyUnicode_Check(args[0]) || !PyType_Check(args[1]) ||
        !PyType_IsSubtype((PyTypeObject *)args[1], &PyTuple_Type))
        return PyErr_SetString(PyExc_TypeError, "a text, a type of tuples and an entity"), NULL;
    Text text = text_of(args[0]);
    PyObject *found = PyList_New(0);
    if (!found) return NULL;
    for (Py_ssize_t sign = 0; (sign = PyUnicode_FindChar(args[0], '@', sign, text.length, 1)) >= 0; sign++) {
        Place place = address_at(&text, sign);
        if (!place.end) continue;
        PyObject *item = found_at((PyTypeObject *)args[1], args[2], place.start, place.end, 1);
        if (!item || PyList_Append(found, item) < 0) return Py_XDECREF(item), Py_DECREF(found), NULL;
        Py_DECREF(item);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"addresses", (PyCFunction)(void (*)(void))addresses, METH_FASTCALL, "(text, type, entity) -> what is found."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "mail", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_mail(void) { return PyModuleDef_Init(&module); }
