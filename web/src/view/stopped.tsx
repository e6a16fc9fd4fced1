/** Without an ID, since the server gives none. */
export function Stopped() {
  return (
    <section class="welcome">
      <h1>This server does not take guests.</h1>
      <p class="lead">It lets in only whoever comes with an identity of its application. Ask its operator, or run a server of your own.</p>
    </section>
  );
}
