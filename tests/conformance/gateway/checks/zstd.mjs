/** A zstd frame (RFC 8878) of raw blocks: Node 20 has no zstd, and a decoder cannot tell that nothing was saved. */

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT_AND_FOUR_BYTES_OF_SIZE = 0xa0;
const MOST_BLOCK = 128 * 1024;

export function zstdFrame(content) {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt8(SINGLE_SEGMENT_AND_FOUR_BYTES_OF_SIZE, 4);
  head.writeUInt32LE(content.length, 5);
  const parts = [head];
  for (let at = 0; at < content.length; at += MOST_BLOCK) {
    const block = content.subarray(at, at + MOST_BLOCK);
    const last = at + block.length === content.length ? 1 : 0;
    const size = Buffer.alloc(3);
    size.writeUIntLE(last + block.length * 8, 0, 3);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}
