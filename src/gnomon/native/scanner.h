/* What a scanner knows of characters, shapes and key words; guard/quick.py works it out, scan_tables.h files it. */
#ifndef GNOMON_SCANNER_H
#define GNOMON_SCANNER_H

#include "text.h"

#define MOST_ITEMS 24
#define MOST_SHAPES 128 /* that something may begin with */
#define MOST_RUN 24
#define OTHER 127 /* stands for a second character beyond ASCII */
#define MOST_CLASSES 60
/* Among the classes of a character stand too: a literal begins with it; a letter or digit; those, + and /; a digit. */
#define LITERAL ((uint64_t)1 << 63)
#define WORD ((uint64_t)1 << 62)
#define CODED ((uint64_t)1 << 61)
#define DIGIT ((uint64_t)1 << 60)
#define NO_FEATURES UINT64_MAX
#define NO_CLASS 255
#define NO_SHAPE UINT32_MAX
#define ALWAYS static inline __attribute__((always_inline))

/* Characters of a class, or (NO_CLASS) one character, in either case where it is a small letter. */
typedef struct {
    uint8_t class, least, most;
    Py_UCS4 one;
} Item;

typedef struct {
    Item items[MOST_ITEMS];
    uint8_t count, not_before, not_after;
    uint8_t probe, offset;          /* the item that is looked at first, so many characters on */
    uint8_t run_least; /* letters, digits, + and / in a row with which it begins */
    uint8_t digits_least, digits_most; /* digits in a row with which it begins, where it begins with one */
    uint64_t bits, needs, signs[2]; /* classes and ASCII characters without which it cannot be */
} Shape;

typedef struct {
    uint32_t begin, length, tail; /* tail: a shape that must follow */
    uint64_t bits;
} Literal;

/* What a character is to a number, and whether folding changes it. */
#define NUMERAL 1
#define SEPARATOR 2
#define ODD 4

/* What is known of one character: its classes, its marks, and the literals that begin with it. */
typedef struct {
    Py_UCS4 character;
    uint32_t first, count, marks;
    uint64_t classes;
} Sign;

/* A set of the shapes with which something may begin. */
typedef struct {
    uint64_t word[2];
} Set;

#define MOST_SHORT 16
#define SHORT_KNOWN 256 /* a power of two */

/* A short string of plain ASCII that is not worth telling: names of fields, roles. */
typedef struct {
    uint64_t halves[2]; /* its bytes, zeros behind them: a plain string holds none */
} Short;

/* Which features are worth telling: one of the first, or one of both others. */
typedef struct {
    uint64_t telling, seven, words;
} Worth;

typedef struct {
    PyObject_HEAD
    Sign ascii[128];
    uint16_t pairs[128][128]; /* the first literal, from 1, that begins with two ASCII characters; with one: [c][OTHER] */
    uint8_t plane[8192];      /* characters up to U+FFFF of which anything is known */
    uint8_t parts[8192];      /* those, and all that literals are made of */
    Sign *signs;              /* the others: a hash table of size `slots`, a power of two, never full */
    size_t slots;
    Py_UCS4 *odd;             /* pairs of first and last */
    Py_ssize_t odd_count;
    Shape *shapes;
    Py_ssize_t shape_count;
    uint64_t starts;          /* classes with which shapes begin */
    Set of_class[MOST_CLASSES], of_ascii[128]; /* shapes that begin with a character */
    Set seconds[128];         /* shapes in which an ASCII character may be second */
    Set of_digits[MOST_RUN + 1]; /* shapes that may begin with so many digits in a row, or more for the last */
    Set within;               /* shapes that may begin behind a letter or digit */
    uint64_t inside[128][2];  /* within a word: after an ASCII character, those with which anything may begin */
    Set of_runs[MOST_RUN + 1]; /* shapes for which so long a run of letters, digits, + and / is enough */
    Literal *literals;
    Py_ssize_t literal_count;
    Py_UCS4 *letters;
    Py_ssize_t letter_count;
    uint64_t odd_bit, seven_bit, eleven_bit;
    Worth worth;
    Short known[SHORT_KNOWN]; /* by their digest; the last one seen stays */
} Scanner;

ALWAYS Sign *slot_of(const Scanner *self, Py_UCS4 c) {
    size_t place = (c * 2654435761u >> 7) & (self->slots - 1);
    while (self->signs[place].character != c && self->signs[place].character != NOTHING)
        place = (place + 1) & (self->slots - 1);
    return &self->signs[place];
}

ALWAYS int is_known(const Scanner *self, Py_UCS4 c) {
    return c >= 0x10000 || (self->plane[c >> 3] >> (c & 7) & 1);
}

/* Whether a character may be a part of anything that is looked for. */
ALWAYS int is_part(const Scanner *self, Py_UCS4 c) {
    return c < 128 || c >= 0x10000 || (self->parts[c >> 3] >> (c & 7) & 1);
}

static int is_odd(const Scanner *self, Py_UCS4 c) {
    Py_ssize_t low = 0, high = self->odd_count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (c < self->odd[2 * middle]) high = middle;
        else if (c > self->odd[2 * middle + 1]) low = middle + 1;
        else return 1;
    }
    return 0;
}

static uint32_t marks_of(const Scanner *self, Py_UCS4 c) {
    uint32_t marks = (value_of(c) >= 0 ? NUMERAL : 0) | (is_separator(c) ? SEPARATOR : 0);
    return marks | (c >= 128 && is_odd(self, c) ? ODD : 0);
}

ALWAYS void narrow(Set *set, const Set *to) {
    set->word[0] &= to->word[0];
    set->word[1] &= to->word[1];
}

#endif
