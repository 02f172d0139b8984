/* JSON text of rows with named values to columns, in one pass: the payload of a TABLE request. */
#include "tables.h"

#include "json_text.h"

#define MAX_COLUMNS 4096
/* Between two texts of a column or two names, and in place of a text that is null. Neither can be in one: written
 * as they are they are no JSON, and escaped ones are left to the general path. */
#define SEPARATOR '\0'
#define NULL_TEXT '\1'

typedef struct {
    const char *at;
    Py_ssize_t size;
} Piece;

typedef union {
    char number[8]; /* of a boolean, the first byte */
    Piece text;
} Cell;

typedef struct {
    const char *at;  /* the next character */
    const char *end; /* where the zero byte is */
    char *spare;     /* where the next text that has escapes is written without them */
    Py_ssize_t width;
    Py_ssize_t rows, most_rows;
    const char *kinds; /* of the columns as announced: 'd', 'i', 'b', 's' text, 't' text or null */
    Piece *names;      /* of the columns as announced */
    Piece *keys;       /* of the first row, as they stand between their quotes */
    uint16_t *order;   /* which column each of them is */
    Cell *cells;       /* row by row, in the order of the first row */
} Table;

INLINE int is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/* Whether the bytes are UTF-8 without surrogates. Behind them there is a byte that continues nothing. */
static int is_utf8(const char *text, const char *end)
{
    const unsigned char *at = (const unsigned char *)text;
    while (at < (const unsigned char *)end) {
        if (at[0] < 0x80) {
            at++;
        } else if (at[0] < 0xc2) {
            return 0;
        } else if (at[0] < 0xe0) {
            if (!is_continuation(at[1]))
                return 0;
            at += 2;
        } else if (at[0] < 0xf0) {
            if (!is_continuation(at[1]) || !is_continuation(at[2]) || (at[0] == 0xe0 && at[1] < 0xa0) ||
                (at[0] == 0xed && at[1] > 0x9f))
                return 0;
            at += 3;
        } else {
            if (at[0] > 0xf4 || !is_continuation(at[1]) || !is_continuation(at[2]) || !is_continuation(at[3]) ||
                (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
                return 0;
            at += 4;
        }
    }
    return 1;
}

/* The four hexadecimal digits at `at`, or -1. */
static int32_t four_digits(const char *at)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        const char c = at[i];
        if (c >= '0' && c <= '9')
            code = code * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            code = code * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1; /* also at the end of the text */
    }
    return code;
}

static char *put(char *out, int32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* What the escape at `at` stands for, written to `*out`; returns where it ends, or NULL. */
static const char *escape(const char *at, char **out)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (at[1] != 'u') {
        const char *letter = at[1] ? strchr(letters, at[1]) : NULL;
        if (letter == NULL)
            return NULL;
        *(*out)++ = meant[letter - letters];
        return at + 2;
    }
    int32_t code = four_digits(at + 2);
    if (code <= NULL_TEXT || (code >= 0xdc00 && code <= 0xdfff))
        return NULL;
    at += 6;
    if (code >= 0xd800 && code <= 0xdbff) {
        const int32_t low = at[0] == '\\' && at[1] == 'u' ? four_digits(at + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return NULL; /* half of a pair: Python's own texts can hold it, UTF-8 cannot */
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
    }
    *out = put(*out, code);
    return at;
}

/* The text whose opening quote is before `at`: what it says, and where it ends behind its other quote, or NULL. */
INLINE const char *string(Table *table, const char *at, Piece *piece)
{
    const char *const start = at;
    unsigned char c, all = 0;
    while ((c = (unsigned char)*at) != '"' && c != '\\' && c >= 0x20) {
        all |= c;
        at++;
    }
    if (c == '"') {
        piece->at = start;
        piece->size = at - start;
        return (all & 0x80) && !is_utf8(start, at) ? NULL : at + 1;
    }
    /* What an escape stands for is never longer than the escape: there is room. */
    char *const beginning = table->spare, *out = beginning;
    memcpy(out, start, (size_t)(at - start));
    out += at - start;
    while ((c = (unsigned char)*at) != '"') {
        if (c < 0x20)
            return NULL;
        if (c != '\\') {
            *out++ = (char)c;
            at++;
            continue;
        }
        at = escape(at, &out);
        if (at == NULL)
            return NULL;
    }
    *out = 0; /* continues nothing, for is_utf8 */
    piece->at = beginning;
    piece->size = out - beginning;
    table->spare = out + 1;
    return is_utf8(beginning, out) ? at + 1 : NULL;
}

INLINE int is_word(const char *at, const char *end, const char *word, Py_ssize_t size)
{
    return end - at >= size && memcmp(at, word, (size_t)size) == 0;
}

/* The value at `at` as a cell of its column; returns where it ends, or NULL. */
INLINE const char *value(Table *table, const char *at, char kind, Cell *cell)
{
    static const uint64_t nothing = UINT64_C(0x7ff8000000000000); /* float("nan") */
    uint64_t bits = 0;
    int is_whole = 0;
    switch (kind) {
    case 'd':
        if (is_word(at, table->end, "null", 4)) {
            memcpy(cell->number, &nothing, 8);
            return at + 4;
        }
        return number(at, table->end, 'd', cell->number, &bits, &is_whole);
    case 'i':
        return number(at, table->end, 'i', cell->number, &bits, &is_whole);
    case 'b':
        cell->number[0] = *at == 't';
        return is_word(at, table->end, "true", 4) ? at + 4 : is_word(at, table->end, "false", 5) ? at + 5 : NULL;
    default:
        if (kind == 't' && is_word(at, table->end, "null", 4)) {
            static const char null_text[] = {NULL_TEXT};
            cell->text.at = null_text;
            cell->text.size = 1;
            return at + 4;
        }
        return *at == '"' ? string(table, at + 1, &cell->text) : NULL;
    }
}

/* Which column is called like that and has no key yet, or -1. Most rows have the order of the sample. */
static Py_ssize_t column_of(const Table *table, const Piece *name, Py_ssize_t position)
{
    for (Py_ssize_t i = 0; i < table->width; i++) {
        const Py_ssize_t column = (position + i) % table->width;
        const Piece *known = table->names + column;
        if (known->size != name->size || memcmp(known->at, name->at, (size_t)name->size) != 0)
            continue;
        for (Py_ssize_t k = 0; k < position; k++)
            if (table->order[k] == column)
                return -1; /* the name comes twice; the later value would count */
        return column;
    }
    return -1;
}

/* The key behind a quote, at a position of a row; returns where it ends behind its other quote, or NULL. */
INLINE const char *key_at(Table *table, const char *at, Py_ssize_t position)
{
    Piece *key = table->keys + position;
    if (table->rows) {
        if (table->end - at <= key->size || memcmp(at, key->at, (size_t)key->size) != 0)
            return NULL;
        return at[key->size] == '"' ? at + key->size + 1 : NULL;
    }
    Piece name;
    const char *const after = string(table, at, &name);
    if (after == NULL)
        return NULL;
    key->at = at;
    key->size = after - 1 - at;
    const Py_ssize_t column = column_of(table, &name, position);
    if (column < 0)
        return NULL;
    table->order[position] = (uint16_t)column;
    return after;
}

static int row(Table *table)
{
    if (table->rows == table->most_rows)
        return 0;
    Cell *cell = table->cells + table->rows * table->width;
    const char *at = after_space(table->at);
    for (Py_ssize_t position = 0; position < table->width; position++, cell++) {
        if (*at != (position ? ',' : '{'))
            return 0;
        at = after_space(at + 1);
        if (*at != '"')
            return 0;
        at = key_at(table, at + 1, position);
        if (at == NULL)
            return 0;
        at = after_space(at);
        if (*at != ':')
            return 0;
        at = value(table, after_space(at + 1), table->kinds[table->order[position]], cell);
        if (at == NULL)
            return 0;
        at = after_space(at);
    }
    if (*at != '}')
        return 0;
    table->at = after_space(at + 1);
    table->rows++;
    return 1;
}

/* Past an expected character and the spaces around it. */
static int pass(Table *table, char expected)
{
    table->at = after_space(table->at);
    if (*table->at != expected)
        return 0;
    table->at = after_space(table->at + 1);
    return 1;
}

static int rows_of(Table *table, const char *key, Py_ssize_t key_size)
{
    if (!pass(table, '{') || *table->at != '"' || !is_word(table->at + 1, table->end, key, key_size))
        return 0;
    table->at += 1 + key_size;
    if (*table->at != '"')
        return 0;
    table->at++;
    if (!pass(table, ':') || !pass(table, '['))
        return 0;
    do {
        if (!row(table))
            return 0;
    } while (pass(table, ','));
    return pass(table, ']') && pass(table, '}') && table->at == table->end;
}

INLINE int is_text(char kind) { return kind == 's' || kind == 't'; }

static char *put_u32(char *out, Py_ssize_t value)
{
    const uint32_t written = (uint32_t)value;
    memcpy(out, &written, 4);
    return out + 4;
}

/* Rows, kinds and names of the columns, columns of numbers, columns of text: see docs/protocol.md. */
static PyObject *payload(const Table *table)
{
    const Py_ssize_t width = table->width, rows = table->rows;
    Py_ssize_t head = width - 1, size = 8;
    for (Py_ssize_t p = 0; p < width; p++)
        head += 1 + table->names[table->order[p]].size;
    size += head;
    for (Py_ssize_t p = 0; p < width; p++) {
        const char kind = table->kinds[table->order[p]];
        if (is_text(kind)) {
            size += 4 + rows - 1;
            for (Py_ssize_t r = 0; r < rows; r++)
                size += table->cells[r * width + p].text.size;
        } else {
            size += rows * (kind == 'b' ? 1 : 8);
        }
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, size);
    if (result == NULL)
        return NULL;
    char *out = PyBytes_AsString(result);
    out = put_u32(out, rows);
    out = put_u32(out, head);
    for (Py_ssize_t p = 0; p < width; p++) {
        const Piece *name = table->names + table->order[p];
        if (p)
            *out++ = SEPARATOR;
        *out++ = table->kinds[table->order[p]];
        memcpy(out, name->at, (size_t)name->size);
        out += name->size;
    }
    for (Py_ssize_t p = 0; p < width; p++) {
        const char kind = table->kinds[table->order[p]];
        if (is_text(kind))
            continue;
        const Cell *cell = table->cells + p;
        const size_t each = kind == 'b' ? 1 : 8;
        for (Py_ssize_t r = 0; r < rows; r++, cell += width, out += each)
            memcpy(out, cell->number, each);
    }
    for (Py_ssize_t p = 0; p < width; p++) {
        if (!is_text(table->kinds[table->order[p]]))
            continue;
        char *const start = out + 4;
        const Cell *cell = table->cells + p;
        out = start;
        for (Py_ssize_t r = 0; r < rows; r++, cell += width) {
            if (r)
                *out++ = SEPARATOR;
            memcpy(out, cell->text.at, (size_t)cell->text.size);
            out += cell->text.size;
        }
        put_u32(start - 4, out - start);
    }
    return result;
}

/* The names into `table`; the sum of their bytes, or -1 with an exception. */
static Py_ssize_t take_names(Table *table, PyObject *names)
{
    Py_ssize_t sum = 0;
    for (Py_ssize_t i = 0; i < table->width; i++) {
        table->names[i].at = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(names, i), &table->names[i].size);
        if (table->names[i].at == NULL)
            return -1;
        sum += table->names[i].size;
    }
    return sum;
}

const char parse_table_doc[] =
    "parse_table(body, key, names, kinds)\n--\n\n"
    "Return the rows of ``{key: [{name: value, ...}, ...]}`` by column, as the payload of a TABLE request.\n\n"
    "``kinds`` has a letter for each of ``names``: 'd' (double; null is NaN), 'i' (int64), 'b' (true, false),\n"
    "'s' (text), 't' (text or null). None for every text that is not exactly of that form, with all names\n"
    "in every row, in one order.";

PyObject *parse_table(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *body, *names, *result = NULL;
    const char *key;
    char *content;
    Py_ssize_t key_size, kinds_size, size;
    Table table = {0};
    if (!PyArg_ParseTuple(arguments, "Ss#O!s#", &body, &key, &key_size, &PyTuple_Type, &names, &table.kinds,
                          &kinds_size) ||
        PyBytes_AsStringAndSize(body, &content, &size) < 0)
        return NULL;
    table.width = PyTuple_Size(names);
    if (table.width != kinds_size || table.width < 1 || table.width > MAX_COLUMNS || size > INT32_MAX ||
        strspn(table.kinds, "dibst") != (size_t)kinds_size) {
        PyErr_SetString(PyExc_ValueError, "kinds must have one of the letters dibst for each of the names");
        return NULL;
    }
    table.at = content;
    table.end = content + size;
    table.names = PyMem_Calloc((size_t)table.width, sizeof(Piece));
    table.keys = PyMem_Calloc((size_t)table.width, sizeof(Piece));
    table.order = PyMem_Calloc((size_t)table.width, sizeof(uint16_t));
    char *const spare = table.spare = PyMem_Malloc((size_t)size + 1);
    const Py_ssize_t sum = table.names ? take_names(&table, names) : 0;
    if (sum >= 0) {
        /* Each value needs a name in quotes, a colon, itself, and a comma or a brace; escapes only lengthen. */
        table.most_rows = size / (sum + 5 * table.width) + 1;
        table.cells = PyMem_Malloc((size_t)(table.most_rows * table.width) * sizeof(Cell));
        if (!table.names || !table.keys || !table.order || !table.spare || !table.cells)
            PyErr_NoMemory();
        else if (rows_of(&table, key, key_size))
            result = payload(&table);
        else
            result = Py_NewRef(Py_None);
    }
    PyMem_Free(table.cells);
    PyMem_Free(spare);
    PyMem_Free(table.order);
    PyMem_Free(table.keys);
    PyMem_Free(table.names);
    return result;
}
