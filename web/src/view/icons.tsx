// Drawn on a grid of 24, in the colour of the text.
import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">
      {children}
    </svg>
  );
}

const draw = (path: string) => () => (
  <Icon>
    <path d={path} />
  </Icon>
);

export const Copy = draw("M9 9h10v10H9zM5 15V5h10");
export const Done = draw("m5 12.500 4.500 4.500L19 7.500");
export const Code = draw("M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 18v2");
export const Plus = draw("M12 5v14M5 12h14");
export const Back = draw("M15 5l-7 7 7 7");
export const Close = draw("M6 6l12 12M18 6 6 18");
export const Send = draw("M12 19V5M6 11l6-6 6 6");
export const Down = draw("M12 5v14M6 13l6 6 6-6");
export const Room = draw("M9 4 7 20M17 4l-2 16M4.500 9h16M3.500 15h16");
export const Clock = draw("M12 7v5l3 2M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z");
export const Tray = draw("M4 13v5h16v-5M4 13h5l1 2h4l1-2h5M4 13l3-8h10l3 8");
export const Twice = draw("m2.500 12.500 4 4L15 8M11.500 15.500l1 1L21 8");
export const Fault = draw("M12 8v5M12 16.200v.100M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z");
export const Window = draw("M4 5h16v14H4zM4 9h16");
