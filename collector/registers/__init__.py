"""Words of a device into raw values and back: data types, byte orders, whole blocks. Pure."""

from collector.registers.block import Block, Slot
from collector.registers.codec import Raw, decode, encode
from collector.registers.types import WORD_RANGE, DataType, Layout, WordOrder

__all__ = ["WORD_RANGE", "Block", "DataType", "Layout", "Raw", "Slot", "WordOrder", "decode", "encode"]
