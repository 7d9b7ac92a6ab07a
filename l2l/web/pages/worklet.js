// Collects the sound of one channel into blocks of 256 samples.
class Blocks extends AudioWorkletProcessor {
  block = new Float32Array(256);
  filled = 0;

  process([input]) {
    const heard = input[0] ?? new Float32Array(128); // silence while nothing plays
    for (const sample of heard) {
      this.block[this.filled++] = sample;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block);
        this.block = new Float32Array(256);
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("blocks", Blocks);
