/* JSON as it stands: its characters, and its strings one by one. */
#ifndef GNOMON_JSON_H
#define GNOMON_JSON_H

#include "text.h"

#include <string.h>

/* One character of UTF-8 from `data`; what is none counts as one of no meaning. */
static Py_UCS4 decoded(const uint8_t *data, Py_ssize_t left, int *width) {
    uint8_t head = data[0];
    int more = head >= 0xF0 && head < 0xF8 ? 3 : head >= 0xE0 ? 2 : head >= 0xC0 ? 1 : 0;
    *width = 1;
    if (head < 0x80) return head;
    if (!more || head >= 0xF8 || left <= more) return 0xFFFD;
    Py_UCS4 c = head & (0x3F >> more);
    for (int n = 1; n <= more; n++) {
        if ((data[n] & 0xC0) != 0x80) return 0xFFFD;
        c = c << 6 | (data[n] & 0x3F);
    }
    *width = more + 1;
    return c < NOTHING ? c : 0xFFFD;
}

/* What an escape of JSON means: white space is what it is written for; NOTHING: it may hide something. */
static Py_UCS4 unescaped(uint8_t letter) {
    switch (letter) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': case 'U': case 'b': case 'B': case 'f': case 'F': case '/': return NOTHING;
    default: return 0;
    }
}

/* Characters of JSON as it stands, with its white space as it is meant; how many. `hides`: an escape may hide something. */
static Py_ssize_t decode_json(const uint8_t *data, Py_ssize_t size, Py_UCS4 *characters, int *hides) {
    Py_ssize_t count = 0;
    for (Py_ssize_t place = 0; place < size;) {
        int width = 1;
        Py_UCS4 c = data[place];
        if (c >= 0x80) {
            c = decoded(data + place, size - place, &width);
        } else if (c == '\\' && place + 1 < size) {
            Py_UCS4 meant = unescaped(data[place + 1]);
            *hides |= meant == NOTHING;
            if (meant && meant != NOTHING) c = meant, width = 2;
        }
        characters[count++] = c;
        place += width;
    }
    return count;
}

#define LONG_NUMBER 11 /* digits of the shortest number that is somebody's */

typedef struct {
    const uint8_t *data;
    Py_ssize_t size, place;
} Json;

typedef enum { JSON_END, JSON_STRING, JSON_NUMBER, JSON_ODD } Token;

/* Four hexadecimal digits, or NOTHING. */
static Py_UCS4 four_digits(const Json *json, Py_ssize_t place) {
    Py_UCS4 value = 0;
    if (json->size - place < 4) return NOTHING;
    for (int n = 0; n < 4; n++) {
        Py_UCS4 c = json->data[place + n], low = lower(c);
        if (is_digit(c)) value = value << 4 | (c - '0');
        else if (low >= 'a' && low <= 'f') value = value << 4 | (low - 'a' + 10);
        else return NOTHING;
    }
    return value;
}

/* What an escape stands for, the place behind it; NOTHING for what is none, and for half a character. */
static Py_UCS4 escape(Json *json) {
    Py_UCS4 c = json->size - json->place > 1 ? json->data[json->place + 1] : NOTHING;
    json->place += 2;
    switch (c) {
    case '"': case '\\': case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: return NOTHING;
    }
    c = four_digits(json, json->place);
    json->place += 4;
    if (c < 0xD800 || c > 0xDFFF) return c;
    if (c > 0xDBFF || json->size - json->place < 6 || json->data[json->place] != '\\' || json->data[json->place + 1] != 'u')
        return NOTHING;
    Py_UCS4 second = four_digits(json, json->place + 2);
    json->place += 6;
    return second >= 0xDC00 && second <= 0xDFFF ? 0x10000 + ((c - 0xD800) << 10) + (second - 0xDC00) : NOTHING;
}

/* A character of more than one byte, written as it must be; NOTHING for any other. */
static Py_UCS4 beyond_ascii(Json *json) {
    static const Py_UCS4 least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int width = 1;
    Py_UCS4 c = decoded(json->data + json->place, json->size - json->place, &width);
    json->place += width;
    return width < 2 || c < least[width] || (c >= 0xD800 && c <= 0xDFFF) ? NOTHING : c;
}

/* The characters of the string at this place, which is its quotation mark; how many, or -1 where it is none. */
static Py_ssize_t string_at(Json *json, Py_UCS4 *characters) {
    Py_ssize_t count = 0;
    for (json->place++; json->place < json->size;) {
        Py_UCS4 c = json->data[json->place];
        if (c >= 0x80 && json->size - json->place >= 4) {
            uint32_t four = four_at(json->data + json->place);
            if (is_three(four)) {
                characters[count++] = of_three(four);
                json->place += 3;
                continue;
            }
        }
        if (c == '"') return json->place++, count;
        if (c < 0x20) return -1;
        if (c == '\\') c = escape(json);
        else if (c < 0x80) json->place++;
        else c = beyond_ascii(json);
        if (c == NOTHING) return -1;
        characters[count++] = c;
    }
    return -1;
}

/* Whether the number at this place may be a long one; the place is behind it then. */
static int long_number_at(Json *json) {
    int digits = 0, is_long = 0, is_whole = 1;
    for (; json->place < json->size; json->place++) {
        Py_UCS4 c = json->data[json->place];
        if (is_digit(c)) digits += is_whole;
        else if (c == '.') is_whole = 0;
        else if (c == 'e' || c == 'E') is_long = 1;
        else if (c != '+' && c != '-') break;
        if (digits >= LONG_NUMBER) is_long = 1;
    }
    return is_long;
}

static int has_word(const Json *json, const char *word) {
    size_t length = strlen(word);
    return (size_t)(json->size - json->place) >= length && !memcmp(json->data + json->place, word, length);
}

/* The next string or long number from this place on, where the place then is; JSON_ODD where something else is told. */
static Token next_token(Json *json, Py_ssize_t *start) {
    while (json->place < json->size) {
        Py_UCS4 c = json->data[json->place];
        *start = json->place;
        if (c == '"') return JSON_STRING;
        if (is_digit(c) || c == '-') {
            if (long_number_at(json)) return JSON_NUMBER;
        } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']') {
            json->place++;
        } else if (has_word(json, "true") || has_word(json, "null")) {
            json->place += 4;
        } else if (has_word(json, "false")) {
            json->place += 5;
        } else {
            return JSON_ODD;
        }
    }
    return JSON_END;
}

#endif
