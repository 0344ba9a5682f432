/* What a detector in C says of a stretch of text: a tuple of guard.view.Found. */
#ifndef GNOMON_FOUND_H
#define GNOMON_FOUND_H

#include "text.h"

/* (start, end, entity, score) as a new `made`, a type of tuples of four; NULL with an exception. */
static PyObject *found_at(PyTypeObject *made, PyObject *entity, Py_ssize_t start, Py_ssize_t end, double score) {
    PyObject *item = made->tp_alloc(made, 4);
    if (!item) return NULL;
    PyTuple_SET_ITEM(item, 0, PyLong_FromSsize_t(start));
    PyTuple_SET_ITEM(item, 1, PyLong_FromSsize_t(end));
    PyTuple_SET_ITEM(item, 2, Py_NewRef(entity));
    PyTuple_SET_ITEM(item, 3, PyFloat_FromDouble(score));
    if (!PyTuple_GET_ITEM(item, 0) || !PyTuple_GET_ITEM(item, 1) || !PyTuple_GET_ITEM(item, 3)) Py_CLEAR(item);
    return item;
}

#endif
