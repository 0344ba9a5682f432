/* Asks of a text without making a string of it, where the other module is in C too: it offers a capsule that says how. */
#ifndef GNOMON_ASK_H
#define GNOMON_ASK_H

#include "text.h"

#define ASK "gnomon.ask" /* the name of such capsules */
#define FAILED INT64_MIN /* an exception is set */

/* What was said of a text to which more has come since; its beginning may have gone. For who answers. */
typedef struct {
    uint64_t bits;
    int is_known;
} Memo;

/* What a capsule holds: (self, text, length, place, memo) -> what its Python method says of the same. */
typedef struct {
    int64_t (*answer)(void *self, const Py_UCS4 *text, Py_ssize_t length, Py_ssize_t place, Memo *memo);
} Answer;

typedef struct {
    PyObject *callable; /* owned; asked where there is no answer in C */
    const Answer *answer;
    void *self;
} Asked;

/* A text of which a part is new, and the string made of it once somebody needs one. */
typedef struct {
    const Py_UCS4 *start;
    Py_ssize_t length, old;
    PyObject *string;
} Words;

static inline void forget(Asked *one) { Py_CLEAR(one->callable); }

/* What stands behind a callable: a method of C's of an object whose type or module offers `ask`, or any other. */
static inline void become(Asked *one, PyObject *callable, int may_offer) {
    if (one->callable == callable) return;
    Asked found = {Py_NewRef(callable), NULL, NULL};
    PyObject *self = may_offer && PyCFunction_Check(callable) ? PyCFunction_GET_SELF(callable) : NULL;
    PyObject *offered = self ? PyObject_GetAttrString(self, "ask") : NULL;
    if (offered && PyTuple_Check(offered) && PyTuple_GET_SIZE(offered) == 2) {
        PyObject *name = PyTuple_GET_ITEM(offered, 0), *capsule = PyTuple_GET_ITEM(offered, 1);
        const char *own = ((PyCFunctionObject *)callable)->m_ml->ml_name;
        if (PyUnicode_Check(name) && PyCapsule_IsValid(capsule, ASK) && !PyUnicode_CompareWithASCIIString(name, own)) {
            found.answer = PyCapsule_GetPointer(capsule, ASK);
            found.self = PyModule_Check(self) ? PyModule_GetState(self) : self;
        }
    }
    Py_XDECREF(offered);
    PyErr_Clear();
    forget(one);
    *one = found;
}

/* The number that is said of a text and a place (none below 0), or 1 for what is true without one. FAILED with an exception. */
static inline int64_t ask(const Asked *one, Words *words, Py_ssize_t place, Memo *memo) {
    if (one->answer) return one->answer->answer(one->self, words->start, words->length, memo ? words->old : place, memo);
    if (!words->string) words->string = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, words->start, words->length);
    if (!words->string) return FAILED;
    PyObject *told = place < 0 ? PyObject_CallOneArg(one->callable, words->string)
                               : PyObject_CallFunction(one->callable, "On", words->string, place);
    if (!told) return FAILED;
    int overflows = 0;
    int64_t said = PyLong_Check(told) ? PyLong_AsLongLongAndOverflow(told, &overflows) : PyObject_IsTrue(told);
    Py_DECREF(told);
    return overflows ? 1 : said == -1 && PyErr_Occurred() ? FAILED : said;
}

#endif
