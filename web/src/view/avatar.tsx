// A person as a coloured disc: the colour comes of the ID, so that it is the same everywhere.
import { Room } from "./icons";

function hue(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  return sum % 8;
}

interface Props {
  id: string;
  name?: string | undefined;
  room?: boolean;
  online?: boolean;
}

export function Avatar({ id, name, room = false, online = false }: Props) {
  return (
    <span class={`avatar hue-${hue(id)} ${room ? "is-room" : ""}`} aria-hidden="true">
      {room ? <Room /> : Array.from(name ?? id).slice(0, name ? 1 : 2).join("")}
      {online && <span class="avatar-dot" />}
    </span>
  );
}
