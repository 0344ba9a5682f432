/* Memory that stays for as long as a process runs, in large pages: what comes back to it cold finds its way there sooner.

   Where the system has no such pages, or does not give them, nothing changes; there is no twin. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef __linux__
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since Linux 6.1; an older one refuses it, and the system's own thread does it in its time */
#endif
#define LARGE ((uintptr_t)2 << 20)
#define SMALL 4096

/* Whether most of a large page's worth of memory is there: stacks of threads, say, are not. */
static int is_used(void *place) {
    unsigned char resident[LARGE / SMALL];
    size_t count = 0;
    if (sysconf(_SC_PAGESIZE) != SMALL || mincore(place, LARGE, resident)) return 0;
    for (size_t n = 0; n < sizeof resident; n++) count += resident[n] & 1;
    return count > sizeof resident * 3 / 4;
}

/* () -> bytes of memory of nobody's file that lie in large pages from now on. */
static PyObject *gather(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    char line[512], may[8], path[256];
    unsigned long begin, end, inode;
    size_t gathered = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) return PyLong_FromLong(0);
    while (fgets(line, sizeof line, maps)) {
        path[0] = 0;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %lu %255s", &begin, &end, may, &inode, path) < 4) continue;
        if (inode || strcmp(may, "rw-p") || (path[0] && strcmp(path, "[heap]"))) continue;
        for (uintptr_t place = (begin + LARGE - 1) / LARGE * LARGE; place + LARGE <= end; place += LARGE)
            if (is_used((void *)place) && !madvise((void *)place, LARGE, MADV_HUGEPAGE))
                gathered += madvise((void *)place, LARGE, MADV_COLLAPSE) ? 0 : LARGE;
    }
    fclose(maps);
    return PyLong_FromSize_t(gathered);
}
#else
static PyObject *gather(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    return PyLong_FromLong(0);
}
#endif

static PyMethodDef methods[] = {
    {"gather", gather, METH_NOARGS, "How many bytes lie in large pages from now on, of those that there are."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pages", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_pages(void) { return PyModuleDef_Init(&module); }
