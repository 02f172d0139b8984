/* JSON text of evenly nested numbers to a buffer, in one pass; and the module that has this and the tables. */
#include "json_text.h"
#include "tables.h"

#define MAX_RANK 8
#define FEW_NUMBERS 128 /* below, the bytes that narrow() saves are not worth the look at each */

typedef struct {
    const char *at;  /* the next character */
    const char *end; /* where the zero byte is */
    char *out;       /* where the next number goes */
    char kind;       /* 'd' double, 'i' int64, 'u' uint64 */
    uint64_t bits;   /* of all numbers together, ~n for a negative one; all set if there is a fraction */
    int rank;
    Py_ssize_t extents[MAX_RANK]; /* of the inner dimensions: rank - 1 of them */
} Text;

INLINE int take(Text *text, char expected)
{
    text->at = after_space(text->at);
    if (*text->at != expected)
        return 0;
    text->at++;
    return 1;
}

/* The inside of an innermost list, the bracket at its end included; returns how many numbers, or -1.
 * Pointers are local: what is written to `out` could be the Text itself, for all the compiler knows. */
INLINE Py_ssize_t numbers(Text *text, const char kind)
{
    const char *at = text->at, *const end = text->end;
    char *out = text->out;
    uint64_t bits = text->bits;
    int was_whole = 1;
    for (;;) {
        /* Most whole numbers have up to seven digits, a comma behind them, and perhaps one space. */
        while (EIGHT_AT_ONCE && was_whole && end - at > 9) {
            uint64_t value;
            const int count = word_of_digits(at, &value);
            if (count == 0 || count == 8 || at[count] != ',' || (*at == '0' && count > 1))
                break;
            if (kind == 'd') {
                const double result = (double)(int64_t)value;
                memcpy(out, &result, 8);
            } else {
                memcpy(out, &value, 8);
            }
            out += 8;
            bits |= value;
            at += count + 1;
            if (*at == ' ')
                at++;
        }
        at = after_space(at);
        at = number(at, end, kind, out, &bits, &was_whole);
        if (at == NULL)
            return -1;
        out += 8;
        at = after_space(at);
        if (*at != ',')
            break;
        at++;
    }
    if (*at != ']')
        return -1;
    const Py_ssize_t count = (out - text->out) / 8;
    text->at = at + 1;
    text->out = out;
    text->bits = bits;
    return count;
}

static Py_ssize_t doubles(Text *text) { return numbers(text, 'd'); }
static Py_ssize_t integers(Text *text) { return numbers(text, 'i'); }
static Py_ssize_t unsigned_integers(Text *text) { return numbers(text, 'u'); }

/* A list at nesting level `level`; the innermost hold numbers. */
static int list(Text *text, int level)
{
    if (!take(text, '['))
        return 0;
    Py_ssize_t count = 0;
    if (level == text->rank - 1) {
        count = text->kind == 'd' ? doubles(text) : text->kind == 'i' ? integers(text) : unsigned_integers(text);
        if (count < 0)
            return 0;
    } else {
        do {
            if (!list(text, level + 1))
                return 0;
            count++;
        } while (take(text, ','));
        if (!take(text, ']'))
            return 0;
    }
    return level == 0 || count == text->extents[level - 1];
}

static int document(Text *text, const char *key, Py_ssize_t key_size)
{
    if (!take(text, '{') || !take(text, '"') || text->end - text->at < key_size ||
        memcmp(text->at, key, (size_t)key_size) != 0)
        return 0;
    text->at += key_size;
    if (*text->at != '"')
        return 0;
    text->at++;
    if (!take(text, ':') || !list(text, 0) || !take(text, '}'))
        return 0;
    text->at = after_space(text->at);
    return text->at == text->end;
}

#define WRITE_EACH_AS(type)                              \
    for (Py_ssize_t i = 0; i < count; i++) {             \
        int64_t whole;                                   \
        memcpy(&whole, numbers + 8 * i, 8);              \
        if (kind == 'd') {                               \
            double number;                               \
            memcpy(&number, &whole, 8);                  \
            whole = (int64_t)number;                     \
        }                                                \
        const type number = (type)whole;                 \
        memcpy(numbers + size * i, &number, sizeof number); \
    }

/* Write whole numbers of 8 bytes over themselves as signed integers of `size` bytes, which hold them. */
INLINE void narrow(char *numbers, Py_ssize_t count, int size, const char kind)
{
    if (size == 1)
        WRITE_EACH_AS(int8_t)
    else if (size == 2)
        WRITE_EACH_AS(int16_t)
    else
        WRITE_EACH_AS(int32_t)
}

static void narrow_doubles(char *numbers, Py_ssize_t count, int size) { narrow(numbers, count, size, 'd'); }
static void narrow_integers(char *numbers, Py_ssize_t count, int size) { narrow(numbers, count, size, 'i'); }

/* How many bytes of each number the scorer needs to be sent. */
static int size_of_each(const Text *text, Py_ssize_t count)
{
    if (count < FEW_NUMBERS || text->bits > INT32_MAX)
        return 8;
    return text->bits <= INT8_MAX ? 1 : text->bits <= INT16_MAX ? 2 : 4;
}

PyDoc_STRVAR(parse_doc,
             "parse(body, key, extents, kind, may_narrow)\n--\n\n"
             "Return the numbers of ``{key: [...]}`` as ``(bytes per number, bytes)``, in the machine's byte order.\n\n"
             "``extents`` are those of all dimensions but the first, which is free. ``kind`` is 'd' (double),\n"
             "'i' (int64) or 'u' (uint64): 8 bytes each. If it may, it returns many numbers as signed integers\n"
             "of 1, 2 or 4 bytes where these are the same numbers. None for every text that is not exactly of\n"
             "that form.");

static PyObject *parse(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *body, *extents, *result = NULL;
    const char *key;
    char *content;
    Py_ssize_t key_size, size;
    int kind, may_narrow;
    Text text;
    if (!PyArg_ParseTuple(arguments, "Ss#O!Cp", &body, &key, &key_size, &PyTuple_Type, &extents, &kind,
                          &may_narrow))
        return NULL;
    if ((kind != 'd' && kind != 'i' && kind != 'u') || PyTuple_Size(extents) >= MAX_RANK) {
        PyErr_SetString(PyExc_ValueError, "kind must be 'd', 'i' or 'u', and extents fewer than 8");
        return NULL;
    }
    text.rank = (int)PyTuple_Size(extents) + 1;
    for (int i = 0; i < text.rank - 1; i++) {
        text.extents[i] = PyLong_AsSsize_t(PyTuple_GetItem(extents, i));
        if (text.extents[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    if (PyBytes_AsStringAndSize(body, &content, &size) < 0)
        return NULL;
    text.at = content;
    text.end = content + size;
    text.kind = (char)kind;
    text.bits = 0;
    /* A number needs a digit, and a comma or bracket behind it: there cannot be more than this. */
    char *buffer = PyMem_Malloc((size_t)(size / 2 + 1) * 8);
    if (buffer == NULL)
        return PyErr_NoMemory();
    text.out = buffer;
    if (document(&text, key, key_size)) {
        const Py_ssize_t count = (text.out - buffer) / 8;
        const int each = may_narrow ? size_of_each(&text, count) : 8;
        if (each < 8)
            (text.kind == 'd' ? narrow_doubles : narrow_integers)(buffer, count, each);
        result = Py_BuildValue("iy#", each, buffer, count * each);
    } else {
        result = Py_NewRef(Py_None);
    }
    PyMem_Free(buffer);
    return result;
}

static PyMethodDef functions[] = {{"parse", parse, METH_VARARGS, parse_doc},
                                  {"parse_table", parse_table, METH_VARARGS, parse_table_doc},
                                  {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_numbers", .m_doc = "See fastjson and fasttables.", .m_size = 0, .m_methods = functions};

PyMODINIT_FUNC PyInit__numbers(void) { return PyModuleDef_Init(&definition); }
