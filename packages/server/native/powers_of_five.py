"""Write powers_of_five.h: 128 bits of each power of five that a short decimal number can need.

python powers_of_five.py > powers_of_five.h
"""

SMALLEST, LARGEST = -65, 65


def significant_bits(exponent: int) -> int:
    """Return the 128 leading bits of 5**exponent, rounded as the proof of the algorithm wants it.

    D. Lemire, "Number parsing at a gigabyte per second" (2021), section 5: cut off, but rounded up from
    -27 to -1.
    """
    power = 5 ** abs(exponent)
    length = power.bit_length()
    if exponent >= 0:
        return power >> (length - 128) if length > 128 else power << (128 - length)
    bits = (1 << (length + 127 if exponent >= -27 else 2 * length + 128)) // power + 1
    return bits >> max(bits.bit_length() - 128, 0)


def header() -> str:
    lines = [
        "/* Written by powers_of_five.py. */",
        f"#define SMALLEST_POWER ({SMALLEST})",
        f"#define LARGEST_POWER ({LARGEST})",
        "static const uint64_t POWERS_OF_FIVE[][2] = {",
    ]
    for exponent in range(SMALLEST, LARGEST + 1):
        bits = significant_bits(exponent)
        lines.append(f"    {{0x{bits >> 64:016x}u, 0x{bits & (1 << 64) - 1:016x}u}}, /* {exponent} */")
    return "\n".join([*lines, "};", ""])


if __name__ == "__main__":
    print(header(), end="")
