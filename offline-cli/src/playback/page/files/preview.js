// Pictures for the seek slider, from an I-frame playlist where the asset has one (RFC 8216bis, EXT-X-I-FRAME-STREAM-INF).

import Hls from "./hls.mjs";

export class Preview {
  // Null where there is no I-frame playlist, or nothing to play it with.
  static async of(address, video) {
    if (!Hls.isSupported()) {
      return null;
    }
    try {
      const text = await (await fetch(address)).text();
      const lists = [...text.matchAll(/^#EXT-X-I-FRAME-STREAM-INF:(.*)$/gm)].map(([, attributes]) => ({
        uri: /(?:^|,)URI="([^"]+)"/.exec(attributes)?.[1],
        bandwidth: Number(/(?:^|,)BANDWIDTH=(\d+)/.exec(attributes)?.[1] ?? Infinity),
      })).filter(({ uri }) => uri);
      lists.sort((a, b) => a.bandwidth - b.bandwidth);
      return lists.length > 0 ? new Preview(new URL(lists[0].uri, new URL(address, location.href)).href, video) : null;
    } catch {
      return null;
    }
  }

  constructor(address, video) {
    this.video = video;
    this.hls = new Hls({ maxBufferLength: 1, maxMaxBufferLength: 2, backBufferLength: 0 });
    this.hls.loadSource(address);
    this.hls.attachMedia(video);
  }

  show(time) {
    // One seek at a time; the last one asked for is done next.
    this.wanted = time;
    if (!this.video.seeking) {
      this.video.currentTime = time;
      this.video.addEventListener("seeked", () => {
        if (this.wanted !== time) {
          this.show(this.wanted);
        }
      }, { once: true });
    }
  }

  close() {
    this.hls.destroy();
  }
}
