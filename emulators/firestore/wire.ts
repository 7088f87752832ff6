import { StatusError } from "../kernel/status-error.ts";

/**
 * Protocol Buffers' wire format, read and written by hand. Documents are kept encoded as they came
 * and are sent as they are kept, so the values inside never become protobufjs objects.
 */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const malformed = (): StatusError => new StatusError("INVALID_ARGUMENT", "The message is malformed.");

const NOTHING = Buffer.alloc(0);

export class WireReader {
  readonly buffer: Buffer;
  readonly end: number;
  position: number;

  constructor(buffer: Uint8Array, start = 0, end: number = buffer.length) {
    // An absent field of bytes is an empty array to protobufjs, which is no view of anything.
    if (Buffer.isBuffer(buffer)) this.buffer = buffer;
    else if (buffer.length === 0) this.buffer = NOTHING;
    else this.buffer = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.position = start;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** An unsigned number of at most 32 bits: tags and lengths. */
  varint(): number {
    let result = 0;
    let factor = 1;
    for (let count = 0; count < 5; count += 1) {
      if (this.position >= this.end) throw malformed();
      const byte = this.buffer[this.position++] as number;
      result += (byte & 0x7f) * factor;
      if (byte < 0x80) return result;
      factor *= 128;
    }
    throw malformed();
  }

  /** A signed number of 64 bits. */
  int64(): bigint {
    let low = 0;
    let factor = 1;
    // Seven groups of seven bits fit a double exactly, and most numbers end there.
    for (let count = 0; count < 7; count += 1) {
      if (this.position >= this.end) throw malformed();
      const byte = this.buffer[this.position++] as number;
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) return BigInt(low);
      factor *= 128;
    }
    let high = 0;
    factor = 1;
    for (let count = 0; count < 3; count += 1) {
      if (this.position >= this.end) throw malformed();
      const byte = this.buffer[this.position++] as number;
      high += (byte & 0x7f) * factor;
      if (byte < 0x80) return BigInt.asIntN(64, (BigInt(high) << 49n) | BigInt(low));
      factor *= 128;
    }
    throw malformed();
  }

  double(): number {
    if (this.position + 8 > this.end) throw malformed();
    const value = this.buffer.readDoubleLE(this.position);
    this.position += 8;
    return value;
  }

  /** The bytes themselves, not a copy. */
  bytes(): Buffer {
    const length = this.varint();
    const start = this.position;
    if (start + length > this.end) throw malformed();
    this.position = start + length;
    return this.buffer.subarray(start, this.position);
  }

  nested(): WireReader {
    const length = this.varint();
    const start = this.position;
    if (start + length > this.end) throw malformed();
    this.position = start + length;
    return new WireReader(this.buffer, start, this.position);
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.int64();
    else if (wireType === FIXED64) this.position += 8;
    else if (wireType === BYTES) this.bytes();
    else if (wireType === FIXED32) this.position += 4;
    else throw malformed();
    if (this.position > this.end) throw malformed();
  }

  /** Refuses a field whose wire type is not the one its schema says. */
  expect(actual: number, wireType: number): void {
    if (actual !== wireType) throw malformed();
  }
}

const INITIAL_BYTES = 4_096;

export class WireWriter {
  private buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  private length = 0;

  reset(): void {
    this.length = 0;
  }

  /** What was written, copied out so that the writer can be used again. */
  finish(): Buffer {
    const copy = Buffer.allocUnsafe(this.length);
    this.buffer.copy(copy, 0, 0, this.length);
    return copy;
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  int64(value: bigint): void {
    if (value >= 0n && value <= 0xffff_ffff_ffffn) return this.varint(Number(value));
    this.reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  double(value: number): void {
    this.reserve(8);
    this.buffer.writeDoubleLE(value, this.length);
    this.length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  bytesField(field: number, bytes: Uint8Array): void {
    this.tag(field, BYTES);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  stringField(field: number, text: string): void {
    const size = Buffer.byteLength(text);
    this.tag(field, BYTES);
    this.varint(size);
    this.reserve(size);
    this.length += this.buffer.write(text, this.length, "utf8");
  }

  varintField(field: number, value: number): void {
    this.tag(field, VARINT);
    this.varint(value);
  }

  int64Field(field: number, value: bigint): void {
    this.tag(field, VARINT);
    this.int64(value);
  }

  /** Starts a nested message; its length is filled in by `close`. */
  open(field: number): number {
    this.tag(field, BYTES);
    this.reserve(1);
    this.length += 1;
    return this.length;
  }

  close(start: number): void {
    const size = this.length - start;
    if (size < 0x80) {
      this.buffer[start - 1] = size;
      return;
    }
    // One byte was kept for the length; a longer message moves up to make room.
    let lengthBytes = 1;
    for (let rest = size; rest >= 0x80; rest = Math.floor(rest / 128)) lengthBytes += 1;
    this.reserve(lengthBytes - 1);
    this.buffer.copyWithin(start + lengthBytes - 1, start, this.length);
    const end = this.length + lengthBytes - 1;
    this.length = start - 1;
    this.varint(size);
    this.length = end;
  }
}
