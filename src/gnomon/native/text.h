/* A Python string as its characters, every access checked against its length. */
#ifndef GNOMON_TEXT_H
#define GNOMON_TEXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define NOTHING 0x110000u /* what stands outside of a text: no character has this number */

typedef struct {
    int kind;
    const void *data;
    Py_ssize_t length;
} Text;

static inline Text text_of(PyObject *string) {
    Text text = {PyUnicode_KIND(string), PyUnicode_DATA(string), PyUnicode_GET_LENGTH(string)};
    return text;
}

static inline Py_UCS4 at(const Text *text, Py_ssize_t index) {
    return index >= 0 && index < text->length ? PyUnicode_READ(text->kind, text->data, index) : NOTHING;
}

static inline int is_digit(Py_UCS4 c) { return c >= '0' && c <= '9'; }
static inline int is_capital(Py_UCS4 c) { return c >= 'A' && c <= 'Z'; }
static inline int is_letter(Py_UCS4 c) { return is_capital(c) || (c >= 'a' && c <= 'z'); }
static inline int is_word(Py_UCS4 c) { return is_digit(c) || is_letter(c); }
static inline Py_UCS4 lower(Py_UCS4 c) { return is_capital(c) ? c + 32 : c; }
static inline int is_space(Py_UCS4 c) { return c != NOTHING && Py_UNICODE_ISSPACE(c); }

/* The value of a digit, Chinese numerals too (normalise.HANZI_DIGITS); -1 for anything else. */
static inline int value_of(Py_UCS4 c) {
    if (c < 0x80) return is_digit(c) ? (int)c - '0' : -1;
    switch (c) {
    case 0x3007: case 0x96F6: return 0; /* 〇零 */
    case 0x4E00: case 0x5E7A: case 0x58F9: return 1; /* 一幺壹 */
    case 0x4E8C: case 0x8D30: return 2; /* 二贰 */
    case 0x4E09: case 0x53C1: return 3; /* 三叁 */
    case 0x56DB: case 0x8086: return 4; /* 四肆 */
    case 0x4E94: case 0x4F0D: return 5; /* 五伍 */
    case 0x516D: case 0x9646: return 6; /* 六陆 */
    case 0x4E03: case 0x67D2: return 7; /* 七柒 */
    case 0x516B: case 0x634C: return 8; /* 八捌 */
    case 0x4E5D: case 0x7396: return 9; /* 九玖 */
    default: return -1;
    }
}

/* What may separate the groups of a number (view.SEPARATOR). */
static inline int is_separator(Py_UCS4 c) {
    if (c < 0x80) return c == ' ' || c == '-' || c == '.' || c == '/' || c == '_' || is_space(c);
    return c == 0x2014 || c == 0x2015 || c == 0xB7 || c == 0x2022 || is_space(c); /* —―·• */
}

/* Four bytes as one number, the first the lowest. */
static inline uint32_t four_at(const uint8_t *data) {
    return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

/* Whether a character of three bytes stands at the beginning of these four, as most beyond ASCII do; one that might be
 * written too long, or half a character, is left to who looks closely. */
static inline int is_three(uint32_t four) {
    return (four & 0xC0C0F0) == 0x8080E0 && (four & 0xFF) != 0xE0 && (four & 0xFF) != 0xED;
}

static inline Py_UCS4 of_three(uint32_t four) { return (four & 0xF) << 12 | (four >> 2 & 0xFC0) | (four >> 16 & 0x3F); }

/* How many of eight bytes come before the first whose top bit is set in `marks`. */
static inline int before_first(uint64_t marks) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return marks ? __builtin_ctzll(marks) >> 3 : 8;
#else
    return marks ? __builtin_clzll(marks) >> 3 : 8;
#endif
}

#define TOPS 0x8080808080808080

static inline uint64_t eight_at(const uint8_t *data) {
    uint64_t eight;
    memcpy(&eight, data, 8);
    return eight;
}

/* How many of eight bytes, at least and mostly all, are ASCII and stand in a string of JSON as they are. */
static inline int plain_at(const uint8_t *data) {
    const uint64_t ones = 0x0101010101010101;
    uint64_t eight = eight_at(data), quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
    return before_first((eight | (eight - ones * 0x20) | (quote - ones) | (slash - ones)) & TOPS);
}

#endif
