import { encode } from "uqr";
import { linkTo } from "../model/place";
import { Dialog } from "./dialog";
import { CopyButton } from "./me";

export function QrDialog({ id, close }: { id: string; close: () => void }) {
  const link = linkTo(id);
  return (
    <Dialog title="Write to me" close={close}>
      <QrCode text={link} />
      <p class="dialog-text">Point a phone at it, or send somebody the link. The phone has to reach this server.</p>
      <p class="field-row">
        <code class="link">{link}</code>
        <CopyButton text={link} label="Copy the link" />
      </p>
    </Dialog>
  );
}

/** One path with a square for each dark module: always dark on light, since readers want it so. */
function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text, { border: 2 });
  const squares = data.flatMap((line, y) => line.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return (
    <svg class="qr" role="img" aria-label="QR code of the link to you" viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={squares.join("")} fill="#111" />
    </svg>
  );
}
