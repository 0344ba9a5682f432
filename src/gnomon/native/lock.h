/* A word of the header says who changes the table: no call of the kernel where nobody else does.

   The word holds a worker's column from 1 on and a number of its own. The kernel drops the lock of its column with the
   worker, and so whoever waits learns that nobody is there any more. Where one worker of the host has no C, all of them
   lock a byte of the file instead. */
#ifndef GNOMON_LOCK_H
#define GNOMON_LOCK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#ifndef F_OFD_SETLK
#error "open file description locks are Linux's"
#endif

enum { LOCK_METERS = 64, LOCK_COLUMN = 128, WORD = 192, PLAIN = 200, SPINS = 2000, NAP_NS = 50000 };

static int file_lock(int fd, int command, short kind, off_t place) {
    struct flock what = {.l_type = kind, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    int got = fcntl(fd, command, &what);
    return got < 0 ? -1 : what.l_type;
}

/* 0: locked or unlocked; -1: an exception is set. */
static int lock_file(int fd, short kind) {
    int command = F_OFD_SETLK, got;
    for (;;) {
        if (command == F_OFD_SETLK) {
            got = file_lock(fd, command, kind, LOCK_METERS);
        } else {
            Py_BEGIN_ALLOW_THREADS
            got = file_lock(fd, command, kind, LOCK_METERS);
            Py_END_ALLOW_THREADS
        }
        if (got >= 0) return 0;
        if (errno == EAGAIN || errno == EACCES) {
            command = F_OFD_SETLKW; /* another worker is at it */
        } else if (errno != EINTR) {
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        } else if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

typedef struct {
    _Atomic uint64_t *word;
    _Atomic uint8_t *plain;
    int fd;
    uint64_t mine;
} Lock;

static int column_of(uint64_t word) { return (int)(word & 0xFF) - 1; }

static Lock lock_of(char *map, int fd, uint64_t mine) {
    return (Lock){(_Atomic uint64_t *)(map + WORD), (_Atomic uint8_t *)(map + PLAIN), fd, mine};
}

/* Lets another worker go on, and takes the word from one that is no more. -1: an exception is set. */
static int wait_for(const Lock *lock, uint64_t owner) {
    const struct timespec nap = {.tv_nsec = NAP_NS};
    int kind;
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&nap, NULL);
    kind = file_lock(lock->fd, F_OFD_GETLK, F_WRLCK, LOCK_COLUMN + column_of(owner));
    Py_END_ALLOW_THREADS
    if (kind < 0) return PyErr_SetFromErrno(PyExc_OSError), -1;
    if (kind == F_UNLCK) atomic_compare_exchange_strong(lock->word, &owner, 0);
    return PyErr_CheckSignals();
}

/* 0: the table is ours; -1: an exception is set. */
static int take_lock(const Lock *lock) {
    for (int tries = 0; !atomic_load(lock->plain); tries++) {
        uint64_t owner = 0;
        if (atomic_compare_exchange_strong(lock->word, &owner, lock->mine)) {
            if (!atomic_load(lock->plain)) return 0;
            atomic_store(lock->word, 0);
        } else if (tries > SPINS && wait_for(lock, owner) < 0) {
            return -1;
        }
    }
    if (lock_file(lock->fd, F_WRLCK) < 0) return -1;
    /* Who had the word when the first worker without C came may still be at it. */
    for (uint64_t owner; (owner = atomic_load(lock->word)) != 0;)
        if (wait_for(lock, owner) < 0) return lock_file(lock->fd, F_UNLCK), -1;
    return 0;
}

static int give_lock(const Lock *lock) {
    uint64_t owner = lock->mine;
    return atomic_compare_exchange_strong(lock->word, &owner, 0) ? 0 : lock_file(lock->fd, F_UNLCK);
}

#endif
