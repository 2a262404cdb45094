"""Words of a device into numbers and back: data types, byte orders, whole blocks. Pure."""

from collector.registers.codec import WORD_RANGE, DataType, WordOrder, decode, encode

__all__ = ["WORD_RANGE", "DataType", "WordOrder", "decode", "encode"]
