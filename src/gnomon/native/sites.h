/* What a place in compiled code found last time, as the interpreter keeps it for its own code (PEP 659).
 *
 * mypyc looks up every name of a module, and every attribute and method of what it did not compile, anew each time. Here
 * each place remembers what it found, and the version of the dictionary or type where it found it: any change gives them
 * another number, never used before. A place that meets another version looks up as before and remembers that.
 */
#ifndef GNOMON_SITES_H
#define GNOMON_SITES_H

#include <Python.h>
#include <structmember.h>

/* 3.12 and later count versions by other rules; nobody has tried them here, and they look up each time. */
#if PY_VERSION_HEX < 0x030C0000
#define GNOMON_SITES 1

struct site {
    uint64_t version; /* 0: nothing is remembered */
    PyObject *name;   /* kept alive, so that its address is no other's; compared by that alone */
    union {
        PyObject *found; /* borrowed: whatever has this version holds it */
        Py_ssize_t offset;
    };
};

__attribute__((visibility("hidden"))) PyObject *site_item(PyObject *dict, PyObject *key, struct site *here);
__attribute__((visibility("hidden"))) PyObject *site_attribute(PyObject *object, PyObject *name, struct site *here);
__attribute__((visibility("hidden"))) PyObject *
site_method(PyObject *name, PyObject *const *args, size_t count, PyObject *names, struct site *here);

/* A call with the memory of the place where it is written. */
#define SITE(call, ...) ({ static struct site here; call(__VA_ARGS__, &here); })

#ifdef GNOMON_SITES_HERE /* once for all that are linked together */

#define SITE_SELDOM __attribute__((noinline, cold))
#define SITE_OF_MODULE (UINT64_C(1) << 63) /* or else a module's version could be taken for a type's */

static inline uint64_t site_dict_version(PyObject *dict) { return ((PyDictObject *)dict)->ma_version_tag; }

/* Only names that are the program's own: others are made for one look, and somebody's data may be among them. */
static inline int site_is_name(PyObject *name) { return PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name); }

static inline void site_remember(struct site *here, uint64_t version, PyObject *name)
{
    here->version = version;
    Py_XSETREF(here->name, Py_NewRef(name));
}

SITE_SELDOM static PyObject *site_item_anew(PyObject *dict, PyObject *key, struct site *here)
{
    here->version = 0;
    if (!PyDict_CheckExact(dict)) {
        return PyObject_GetItem(dict, key);
    }
    uint64_t before = site_dict_version(dict); /* comparing keys may run code that changes it */
    PyObject *found = PyDict_GetItemWithError(dict, key);
    if (found == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetObject(PyExc_KeyError, key);
        }
        return NULL;
    }
    if (site_is_name(key) && site_dict_version(dict) == before) {
        site_remember(here, before, key);
        here->found = found;
    }
    return Py_NewRef(found);
}

/* `dict[key]`. */
PyObject *site_item(PyObject *dict, PyObject *key, struct site *here)
{
    if (here->version != 0 && here->name == key && PyDict_CheckExact(dict) &&
        site_dict_version(dict) == here->version) {
        return Py_NewRef(here->found);
    }
    return site_item_anew(dict, key, here);
}

/* What a type says to a name (borrowed); NULL where code decides, or where the type has no version. */
static PyObject *site_of_type(PyTypeObject *type, PyObject *name)
{
    if (type->tp_getattro != PyObject_GenericGetAttr || !site_is_name(name)) {
        return NULL;
    }
    PyObject *said = _PyType_Lookup(type, name); /* gives it a version */
    return PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG) ? said : NULL;
}

SITE_SELDOM static PyObject *site_attribute_anew(PyObject *object, PyObject *name, struct site *here)
{
    here->version = 0;
    PyObject *found = PyObject_GetAttr(object, name);
    if (found == NULL) {
        return NULL;
    }
    PyTypeObject *type = Py_TYPE(object);
    if (PyModule_CheckExact(object)) {
        PyObject *dict = PyModule_GetDict(object);
        if (site_is_name(name) && PyDict_GetItem(dict, name) == found) {
            site_remember(here, site_dict_version(dict) | SITE_OF_MODULE, name);
            here->found = found;
        }
        return found;
    }
    PyObject *said = site_of_type(type, name);
    if (said != NULL && Py_IS_TYPE(said, &PyMemberDescr_Type) && PyType_IsSubtype(type, PyDescr_TYPE(said))) {
        PyMemberDef *member = ((PyMemberDescrObject *)said)->d_member; /* goes before what the object itself holds */
        if (member->type == T_OBJECT_EX && !(member->flags & PY_AUDIT_READ)) {
            site_remember(here, type->tp_version_tag, name);
            here->offset = member->offset;
        }
    }
    return found;
}

/* `object.name`. */
PyObject *site_attribute(PyObject *object, PyObject *name, struct site *here)
{
    if (here->version != 0 && here->name == name) {
        if (Py_TYPE(object)->tp_version_tag == here->version) {
            PyObject *found = *(PyObject **)((char *)object + here->offset);
            if (found != NULL) {
                return Py_NewRef(found);
            }
        } else if (PyModule_CheckExact(object) &&
                   (site_dict_version(PyModule_GetDict(object)) | SITE_OF_MODULE) == here->version) {
            return Py_NewRef(here->found);
        }
    }
    return site_attribute_anew(object, name, here);
}

/* Whether the object has nothing of its own that would go before its type's method. */
static inline int site_is_bare(PyObject *object)
{
    Py_ssize_t at = Py_TYPE(object)->tp_dictoffset;
    return at == 0 || (at > 0 && *(PyObject **)((char *)object + at) == NULL);
}

SITE_SELDOM static PyObject *
site_method_anew(PyObject *name, PyObject *const *args, size_t count, PyObject *names, struct site *here)
{
    here->version = 0;
    PyTypeObject *type = Py_TYPE(args[0]);
    PyObject *said = site_is_bare(args[0]) ? site_of_type(type, name) : NULL;
    if (said != NULL && Py_IS_TYPE(args[0], type) && /* comparing names may run code that gives it another */
        PyType_HasFeature(Py_TYPE(said), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        site_remember(here, type->tp_version_tag, name);
        here->found = said;
    }
    return PyObject_VectorcallMethod(name, args, count, names);
}

/* `args[0].name(*args[1:])`, as PyObject_VectorcallMethod. */
PyObject *site_method(PyObject *name, PyObject *const *args, size_t count, PyObject *names, struct site *here)
{
    if (here->version != 0 && here->name == name && Py_TYPE(args[0])->tp_version_tag == here->version &&
        site_is_bare(args[0])) {
        PyObject *method = Py_NewRef(here->found); /* the call may change the type */
        PyObject *told = PyObject_Vectorcall(method, args, count & ~PY_VECTORCALL_ARGUMENTS_OFFSET, names);
        Py_DECREF(method);
        return told;
    }
    return site_method_anew(name, args, count, names, here);
}

#endif
#endif
#endif
