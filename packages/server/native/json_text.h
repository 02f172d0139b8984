/* Reading JSON text without a Python object per value: what arrays and tables have in common.
 *
 * Only what is beyond doubt is accepted; for everything else the answer is None, and the caller's general
 * path decides. So there are no error messages here.
 *
 * The text is a bytes object of Python: a zero byte follows its end, and that byte is neither digit, space
 * nor punctuation, so that every loop below stops there.
 */
#ifndef MOORAGE_JSON_TEXT_H
#define MOORAGE_JSON_TEXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "powers_of_five.h"

#define MAX_DIGITS 19 /* what 64 bits hold in any case */
#define TEN_TO_19 UINT64_C(10000000000000000000)
#define EXACT (UINT64_C(1) << 53)
#define INLINE static inline __attribute__((always_inline))

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EIGHT_AT_ONCE 1
#else
#define EIGHT_AT_ONCE 0
#endif

static const double POWERS_OF_TEN[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

INLINE const char *after_space(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

/* How many of eight characters are digits, from the first on, and what they make together. */
INLINE int word_of_digits(const char *at, uint64_t *value)
{
    uint64_t word;
    memcpy(&word, at, 8);
    word -= UINT64_C(0x3030303030303030);
    /* The lowest high bit that is set belongs to the first character that is no digit. */
    uint64_t others = (word | (word + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080);
    const int count = others ? __builtin_ctzll(others) >> 3 : 8;
    if (count == 0)
        return 0;
    word <<= 64 - 8 * count;
    word = word * 10 + (word >> 8);
    *value = (((word & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064)) +
              (((word >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001))) >> 32 & 0xffffffff;
    return count;
}

/* Append the digits at `at` to `value`; return where they end. Overflow is for the caller to notice.
 *
 * Eight characters at once, by the usual arithmetic on a word: numbers of one digit and of two come in
 * turns, and a processor that has to guess where each ends is wrong half of the time. */
INLINE const char *digits(const char *at, const char *end, uint64_t *value)
{
    static const uint64_t scales[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t sum = *value, part;
    while (EIGHT_AT_ONCE && end - at >= 8) {
        const int count = word_of_digits(at, &part);
        if (count == 0) {
            *value = sum;
            return at;
        }
        sum = sum * scales[count] + part;
        at += count;
        if (count < 8) {
            *value = sum;
            return at;
        }
    }
    while ((unsigned char)(*at - '0') < 10)
        sum = sum * 10 + (uint64_t)(*at++ - '0');
    *value = sum;
    return at;
}

/* w * 10**q, correctly rounded, or 0 where this cannot tell; w is not zero.
 * See D. Lemire, "Number parsing at a gigabyte per second" (2021), algorithm 1. */
static int rounded(uint64_t w, int64_t q, int is_negative, double *result)
{
#ifdef __SIZEOF_INT128__
    if (q < SMALLEST_POWER || q > LARGEST_POWER)
        return 0;
    const uint64_t *power = POWERS_OF_FIVE[q - SMALLEST_POWER];
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    unsigned __int128 product = (unsigned __int128)w * power[0];
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1ff) == 0x1ff) {
        uint64_t more = (uint64_t)(((unsigned __int128)w * power[1]) >> 64);
        low += more;
        high += low < more;
        if (low == UINT64_MAX && (q < -27 || q > 55))
            return 0;
    }
    int upper = (int)(high >> 63);
    uint64_t mantissa = high >> (upper + 9);
    /* 217706 / 2**16 is the binary logarithm of ten, closely enough for these exponents. */
    int64_t exponent = ((INT64_C(217706) * q) >> 16) + 1024 + 63 + upper - 1 - zeros;
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && (mantissa << (upper + 9)) == high)
        mantissa &= ~UINT64_C(1); /* exactly between two doubles: to the even one */
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= UINT64_C(1) << 53) {
        mantissa = UINT64_C(1) << 52;
        exponent++;
    }
    if (exponent < 1 || exponent > 2046)
        return 0;
    uint64_t bits = (mantissa & ~(UINT64_C(1) << 52)) | ((uint64_t)exponent << 52) | ((uint64_t)is_negative << 63);
    memcpy(result, &bits, 8);
    return 1;
#else
    (void)w, (void)q, (void)is_negative, (void)result;
    return 0;
#endif
}

/* The number from `start` to `end`, by the function that float() uses. */
static int by_python(const char *start, const char *end, double *result)
{
    char *stopped;
    double value = PyOS_string_to_double(start, &stopped, NULL);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    if (stopped != end || value - value != 0.0)
        return 0;
    *result = value;
    return 1;
}

/* The rest of a number with fraction or exponent: `at` is behind the digits from `first` on, which are
 * `value`. Returns where it ends, or NULL. */
INLINE const char *decimal(const char *start, const char *first, const char *at, const char *end,
                           uint64_t value, double *result)
{
    int is_negative = first != start;
    Py_ssize_t written = at - first;
    int64_t exponent = 0;
    if (*at == '.') {
        const char *fraction = ++at;
        at = digits(at, end, &value);
        if (at == fraction)
            return NULL;
        exponent = fraction - at;
        written += at - fraction;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        int is_small = *at == '-';
        if (*at == '-' || *at == '+')
            at++;
        const char *scale = at;
        uint64_t power = 0;
        at = digits(at, end, &power);
        if (at == scale || at - scale > 4)
            return NULL;
        exponent += is_small ? -(int64_t)power : (int64_t)power;
    }
    if (written > MAX_DIGITS) {
        /* Zeros in front have added nothing to the value. */
        for (const char *zero = first; *zero == '0' || *zero == '.'; zero++)
            written -= *zero == '0';
    }
    if (written > MAX_DIGITS)
        return by_python(start, at, result) ? at : NULL;
    if (value < EXACT && exponent >= -22 && exponent <= 22) {
        /* Both are exact doubles, so one operation rounds once. Includes zero. */
        double exact = (double)value;
        exact = exponent < 0 ? exact / POWERS_OF_TEN[-exponent] : exact * POWERS_OF_TEN[exponent];
        *result = is_negative ? -exact : exact;
        return at;
    }
    if (value == 0) {
        *result = is_negative ? -0.0 : 0.0;
        return at;
    }
    return rounded(value, exponent, is_negative, result) || by_python(start, at, result) ? at : NULL;
}

/* The number at `at` as 8 bytes of `kind`: 'd' double, 'i' int64, 'u' uint64. Returns where it ends, or NULL.
 * `bits` gathers those of all numbers, ~n for a negative one; all are set if there is a fraction. */
INLINE const char *number(const char *at, const char *end, const char kind, char *out, uint64_t *bits,
                          int *is_whole)
{
    const char *const start = at;
    at += *at == '-';
    const char *const first = at;
    uint64_t value = 0;
    at = digits(at, end, &value);
    const Py_ssize_t count = at - first;
    /* Of numbers of 20 digits, those below 2**64 are the ones that begin with 1 and did not overflow. */
    const int is_largest = kind == 'u' && count == MAX_DIGITS + 1 && *first == '1' && value >= TEN_TO_19;
    if (count == 0 || (count > MAX_DIGITS && !is_largest) || (*first == '0' && count > 1))
        return NULL;
    const int is_negative = first != start;
    if (kind == 'd' && (*at == '.' || *at == 'e' || *at == 'E')) {
        double result;
        at = decimal(start, first, at, end, value, &result);
        if (at == NULL)
            return NULL;
        memcpy(out, &result, 8);
        *bits = UINT64_MAX;
        *is_whole = 0;
    } else if (kind == 'u') {
        if (is_negative && value)
            return NULL;
        memcpy(out, &value, 8);
        *bits |= value;
    } else {
        if (value > (uint64_t)INT64_MAX)
            return NULL;
        const int64_t whole = is_negative ? -(int64_t)value : (int64_t)value;
        *bits |= (uint64_t)(is_negative ? ~whole : whole);
        *is_whole = 1;
        if (kind == 'i') {
            memcpy(out, &whole, 8);
        } else {
            const double result = (double)whole;
            memcpy(out, &result, 8);
        }
    }
    return at;
}

#endif
