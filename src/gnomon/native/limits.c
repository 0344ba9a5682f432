/* The common case of `backends.limits_local`: every subject has its place and nobody is refused.

   Whatever is not common (a place to be claimed, a limit that is reached, numbers out of range) is left untouched and
   answered with None: the twin in Python does it. Arithmetic is in its order, so that both write the same bits. */

#include "lock.h"

#include <math.h>
#include <string.h>

enum { HEADER = 4096, METERS = 65536, WORKERS = 16, PROBE = 8, MOST = 8 };

typedef struct {
    uint64_t hash;
    double used, second, minute, tokens;
    int64_t day, day_tokens, day_cost;
    uint16_t held[WORKERS];
} Entry;

typedef struct {
    uint64_t hash;
    int64_t per_second, per_minute, concurrency, tokens_per_minute, tokens_per_day, cost_per_day;
} Plan;

typedef struct {
    int64_t limit, left;
    double reset;
} Room;

_Static_assert(sizeof(Entry) == 96, "the layout of the file");
_Static_assert(sizeof(Plan) == 56, "the layout of a plan");

static const double DEBT_S = 3600.0, EPSILON = 1e-6;

static Entry *found(char *table, uint64_t hash) {
    for (uint64_t step = 0; step < PROBE; step++) {
        Entry *entry = (Entry *)(table + (hash + step) % METERS * sizeof(Entry));
        if (entry->hash == hash) return entry;
    }
    return NULL;
}

/* 1: it fits, and `arrival` and `room` are as they are afterwards; 0: it does not, or no number can say. */
static int pour(double *arrival, Room *room, double period, int64_t limit, int64_t amount, double now, double debt) {
    double base = now > *arrival ? now : *arrival;
    double most = now + (debt > period ? debt : period);
    base = most < base ? most : base;
    double after = base + (double)amount * period / (double)limit;
    if (after - now - period > EPSILON) return 0;
    double left = (now + period - after) * (double)limit / period + 1e-4;
    if (!(fabs(left) < 9e15)) return 0;
    *arrival = after;
    *room = (Room){limit, (int64_t)left, after - now};
    return 1;
}

typedef struct {
    Room requests, tokens;
    int has_requests, has_tokens;
} Told;

static void less(Room *kept, int *has, const Room *other) {
    if (!*has || other->left < kept->left) *kept = *other;
    *has = 1;
}

/* What `Account.take` does; 0 where somebody would be refused. */
static int take(Entry *a, const Plan *p, int number, int64_t tokens, int64_t cost, int64_t day, double now, Told *told) {
    Room room = {0}, both = {0};
    int has = 0;
    if (number && p->per_second) {
        if (!pour(&a->second, &both, 1.0, p->per_second, number, now, 0.0)) return 0;
        has = 1;
    }
    if (number && p->per_minute) {
        if (!pour(&a->minute, &room, 60.0, p->per_minute, number, now, 0.0)) return 0;
        if (!has || room.left <= both.left) both = room;
        has = 1;
    }
    if (has) less(&told->requests, &told->has_requests, &both);
    if (p->tokens_per_minute) {
        if (!pour(&a->tokens, &room, 60.0, p->tokens_per_minute, tokens, now, DEBT_S)) return 0;
        less(&told->tokens, &told->has_tokens, &room);
    }
    if (p->tokens_per_day || p->cost_per_day) {
        if (a->day != day) a->day = day, a->day_tokens = a->day_cost = 0;
        int64_t more, dearer;
        if (__builtin_add_overflow(a->day_tokens, tokens > 1 ? tokens : 1, &more)) return 0;
        if (__builtin_add_overflow(a->day_cost, cost > 1 ? cost : 1, &dearer)) return 0;
        if (p->tokens_per_day && more > p->tokens_per_day) return 0;
        if (p->cost_per_day && dearer > p->cost_per_day) return 0;
        a->day_tokens += tokens;
        a->day_cost += cost;
    }
    return 1;
}

static int64_t held(const Entry *entry) {
    int64_t sum = 0;
    for (int worker = 0; worker < WORKERS; worker++) sum += entry->held[worker];
    return sum;
}

static void hold(Entry *entry, int worker, int change) {
    int now = entry->held[worker] + change;
    if (now >= 0 && now <= 65535) entry->held[worker] = (uint16_t)now;
}

/* What both functions are given. */
typedef struct {
    Py_buffer map, fresh, inside;
    int fd, worker, plans, firsts;
    uint64_t mine;
    int64_t tokens, cost, day;
    double now;
} Call;

static int begin(Call *c, PyObject *const *args) {
    memset(c, 0, sizeof *c);
    c->fd = (int)PyLong_AsLong(args[1]);
    c->tokens = PyLong_AsLongLong(args[4]);
    c->cost = PyLong_AsLongLong(args[5]);
    c->day = PyLong_AsLongLong(args[6]);
    c->now = PyFloat_AsDouble(args[7]);
    c->mine = PyLong_AsUnsignedLongLong(args[8]);
    c->worker = column_of(c->mine);
    if (PyErr_Occurred()) return -1;
    if (PyObject_GetBuffer(args[0], &c->map, PyBUF_WRITABLE) < 0) return -1;
    if (PyObject_GetBuffer(args[2], &c->fresh, PyBUF_SIMPLE) < 0) return -1;
    if (PyObject_GetBuffer(args[3], &c->inside, PyBUF_SIMPLE) < 0) return -1;
    c->firsts = (int)(c->fresh.len / (Py_ssize_t)sizeof(Plan));
    c->plans = c->firsts + (int)(c->inside.len / (Py_ssize_t)sizeof(Plan));
    if (c->worker < 0 || c->worker >= WORKERS || c->fresh.len % sizeof(Plan) || c->inside.len % sizeof(Plan)
        || c->map.len < (Py_ssize_t)(HEADER + METERS * sizeof(Entry))) {
        PyErr_SetString(PyExc_ValueError, "not the shape of a table of limits");
        return -1;
    }
    return 0;
}

static void end(Call *c) {
    if (c->map.obj) PyBuffer_Release(&c->map);
    if (c->fresh.obj) PyBuffer_Release(&c->fresh);
    if (c->inside.obj) PyBuffer_Release(&c->inside);
}

static Plan plan(const Call *c, int place) {
    Plan one;
    const char *from = place < c->firsts ? (char *)c->fresh.buf + place * sizeof(Plan)
                                         : (char *)c->inside.buf + (place - c->firsts) * sizeof(Plan);
    memcpy(&one, from, sizeof one);
    return one;
}

/* 1: all entered; 0: nothing was changed. */
static int entered(Call *c, Told *told) {
    char *table = (char *)c->map.buf + HEADER;
    Entry *places[MOST], after[MOST];
    for (int n = 0; n < c->plans; n++) {
        Plan p = plan(c, n);
        int number = n < c->firsts;
        places[n] = found(table, p.hash);
        if (!places[n]) return 0;
        for (int m = 0; m < n; m++)
            if (places[m] == places[n]) return 0; /* one subject twice: in the order of the twin */
        after[n] = *places[n];
        if (number && p.concurrency && held(&after[n]) >= p.concurrency) return 0;
        if (!take(&after[n], &p, number, c->tokens, c->cost, c->day, c->now, told)) return 0;
        after[n].used = c->now;
        if (number && p.concurrency) hold(&after[n], c->worker, 1);
    }
    for (int n = 0; n < c->plans; n++) *places[n] = after[n];
    return 1;
}

/* What `Account.settle` does. */
static int settle(Entry *a, const Plan *p, const Call *c) {
    if (p->tokens_per_minute && c->tokens) {
        double arrival = c->now > a->tokens ? c->now : a->tokens;
        double most = c->now + DEBT_S;
        arrival = most < arrival ? most : arrival;
        a->tokens = arrival + (double)c->tokens * 60.0 / (double)p->tokens_per_minute;
    }
    if (p->tokens_per_day || p->cost_per_day) {
        if (a->day != c->day) a->day = c->day, a->day_tokens = a->day_cost = 0;
        if (__builtin_add_overflow(a->day_tokens, c->tokens, &a->day_tokens)) return 0;
        if (__builtin_add_overflow(a->day_cost, c->cost, &a->day_cost)) return 0;
        if (a->day_tokens < 0) a->day_tokens = 0;
        if (a->day_cost < 0) a->day_cost = 0;
    }
    return 1;
}

/* 1: all left; 0: nothing was changed. */
static int left(Call *c) {
    char *table = (char *)c->map.buf + HEADER;
    Entry *places[MOST], after[MOST];
    for (int n = 0; n < c->plans; n++) {
        Plan p = plan(c, n);
        places[n] = found(table, p.hash);
        if (!places[n]) return 0;
        for (int m = 0; m < n; m++)
            if (places[m] == places[n]) return 0;
        after[n] = *places[n];
        if (c->tokens || c->cost) {
            if (!settle(&after[n], &p, c)) return 0;
            after[n].used = c->now;
        }
        if (p.concurrency) hold(&after[n], c->worker, -1);
    }
    for (int n = 0; n < c->plans; n++) *places[n] = after[n];
    return 1;
}

static PyObject *room(const Room *one, int has) {
    if (!has) Py_RETURN_NONE;
    return Py_BuildValue("LLd", (long long)one->limit, (long long)one->left, one->reset);
}

static int locked(const Call *c, int (*how)(const Lock *)) {
    Lock lock = lock_of(c->map.buf, c->fd, c->mine);
    return how(&lock);
}

static PyObject *run(PyObject *const *args, Py_ssize_t count, int entering) {
    Call c;
    Told told = {0};
    int done = 0;
    if (count != 9) {
        PyErr_SetString(PyExc_TypeError, "nine arguments are needed");
        return NULL;
    }
    PyObject *said = NULL;
    if (begin(&c, args) == 0 && (c.plans > MOST || locked(&c, take_lock) == 0)) {
        if (c.plans <= MOST) {
            done = entering ? entered(&c, &told) : left(&c);
            if (locked(&c, give_lock) < 0) {
                end(&c);
                return NULL;
            }
        }
        if (!done) {
            said = Py_NewRef(Py_None);
        } else if (!entering) {
            said = Py_NewRef(Py_True);
        } else {
            PyObject *requests = room(&told.requests, told.has_requests);
            PyObject *tokens = requests ? room(&told.tokens, told.has_tokens) : NULL;
            said = tokens ? PyTuple_Pack(2, requests, tokens) : NULL;
            Py_XDECREF(requests);
            Py_XDECREF(tokens);
        }
    }
    end(&c);
    return said;
}

static PyObject *enter(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    return run(args, count, 1);
}

static PyObject *leave(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    return run(args, count, 0);
}

static PyObject *locking(PyObject *const *args, Py_ssize_t count, int (*how)(const Lock *)) {
    if (count != 3) return PyErr_SetString(PyExc_TypeError, "three arguments are needed"), NULL;
    int fd = (int)PyLong_AsLong(args[1]);
    uint64_t mine = PyLong_AsUnsignedLongLong(args[2]);
    Py_buffer map;
    if (PyErr_Occurred() || PyObject_GetBuffer(args[0], &map, PyBUF_WRITABLE) < 0) return NULL;
    int done = -1;
    if (map.len < HEADER || column_of(mine) < 0 || column_of(mine) >= WORKERS) {
        PyErr_SetString(PyExc_ValueError, "not the shape of a table of limits");
    } else {
        Lock lock = lock_of(map.buf, fd, mine);
        done = how(&lock);
    }
    PyBuffer_Release(&map);
    if (done < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *take_table(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    return locking(args, count, take_lock);
}

static PyObject *give_table(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    return locking(args, count, give_lock);
}

/* find(map, base, places, size, hash): where the entry is, or -1. */
static PyObject *find(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    (void)self;
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "five arguments are needed");
        return NULL;
    }
    Py_ssize_t base = PyLong_AsSsize_t(args[1]), places = PyLong_AsSsize_t(args[2]), size = PyLong_AsSsize_t(args[3]);
    uint64_t hash = PyLong_AsUnsignedLongLong(args[4]);
    Py_buffer map;
    if (PyErr_Occurred() || PyObject_GetBuffer(args[0], &map, PyBUF_SIMPLE) < 0) return NULL;
    Py_ssize_t at = -1;
    int fits = base >= 0 && places > 0 && size >= 8 && base <= map.len && places <= (map.len - base) / size;
    for (uint64_t step = 0; fits && step < PROBE; step++) {
        Py_ssize_t here = base + (Py_ssize_t)((hash + step) % (uint64_t)places) * size;
        uint64_t known;
        memcpy(&known, (char *)map.buf + here, sizeof known);
        if (known == hash) {
            at = here;
            break;
        }
    }
    PyBuffer_Release(&map);
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "not the shape of a table");
        return NULL;
    }
    return PyLong_FromSsize_t(at);
}

static PyMethodDef methods[] = {
    {"enter", (PyCFunction)(void (*)(void))enter, METH_FASTCALL,
     "enter(map, fd, fresh, inside, tokens, cost, day, now, mine): (room, room), or None with nothing changed."},
    {"leave", (PyCFunction)(void (*)(void))leave, METH_FASTCALL,
     "leave(map, fd, held, b'', tokens, cost, day, now, mine): True, or None with nothing changed."},
    {"lock", (PyCFunction)(void (*)(void))take_table, METH_FASTCALL, "lock(map, fd, mine): the table is this worker's."},
    {"unlock", (PyCFunction)(void (*)(void))give_table, METH_FASTCALL, "unlock(map, fd, mine): and it is no more."},
    {"find", (PyCFunction)(void (*)(void))find, METH_FASTCALL, "find(map, base, places, size, hash): place or -1."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "limits", "The common case of the limits of a host.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_limits(void) { return PyModule_Create(&module); }
