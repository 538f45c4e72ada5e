// Pictures for the seek slider, from an I-frame playlist where the asset has one (RFC 8216bis, EXT-X-I-FRAME-STREAM-INF).

import Hls from "./hls.mjs";

const AHEAD = 40; // seconds: a decoder shows a picture when it has some of those behind it
const INSIDE = 0.005; // seconds from the start of a picture
const FAR = 0.5; // seconds that its own time may be off that of the playlist

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
    this.hls = new Hls({ maxBufferLength: AHEAD, maxMaxBufferLength: AHEAD, backBufferLength: 0 });
    this.hls.on(Hls.Events.FRAG_BUFFERED, () => this.settle());
    this.hls.loadSource(address);
    this.hls.attachMedia(video);
  }

  show(time) {
    const pictures = this.hls.levels[0]?.details?.fragments ?? [];
    const picture = pictures.findLast(({ start }) => start <= time) ?? pictures[0];
    if (picture && picture.sn !== this.shown?.sn) {
      this.shown = picture;
      this.video.currentTime = picture.start + INSIDE;
      this.settle();
    }
  }

  // A picture lasts for one frame, and between them there is nothing that could be shown: a place there is never reached.
  settle() {
    const { buffered, currentTime } = this.video;
    const wanted = this.shown?.start;
    if (wanted === undefined) {
      return;
    }
    const starts = Array.from({ length: buffered.length }, (_, index) => buffered.start(index)).filter((start) => Math.abs(start - wanted) < FAR);
    starts.sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
    if (starts.length > 0 && Math.abs(starts[0] + INSIDE - currentTime) > INSIDE) {
      this.video.currentTime = starts[0] + INSIDE;
    }
  }

  close() {
    this.hls.destroy();
  }
}
