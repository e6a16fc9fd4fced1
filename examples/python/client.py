"""A client of ackd that loses nothing, written from docs/guides/write-a-client.md.
python3 client.py ws://HOST:PORT/v1/ws STATE.json    sends each line "ID TEXT" of its input, prints what comes"""
import asyncio, json, os, random, sys, threading
import websocket

URL, FILE = sys.argv[1:3]
NOT_DECIDED = {"store_unavailable", "internal", "rate_limited", "gap"}
MOST = 1000  # sends that wait for their answer
state = {"outbox": os.urandom(16).hex(), "next": 1, "unanswered": [], "processed": []}
now = {"socket": None, "attempt": 0, "pause": None, "repeat": None}  # of this connection; "socket": we are in

def save():
    with open(FILE + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(FILE + ".new", FILE)

def say(op, **fields):
    if now["socket"]:
        now["socket"].send(json.dumps({"op": op, **fields}))

def repeat():
    now["repeat"] = None
    for send in state["unanswered"][:MOST]:
        say("send", **send)

def hear(socket, op, n=None, code=None, **frame):
    if op == "connected":
        now.update(socket=socket, attempt=0)
        state.update(id=frame["id"], token=frame.get("token") or state["token"])
        save()
        print("I am", frame["id"], flush=True)
        repeat()
    elif n and code in NOT_DECIDED:
        after = frame.get("retry_after_ms", 1000) / 1000
        now["repeat"] = now["repeat"] or asyncio.get_running_loop().call_later(after, repeat)
    elif n and code != "outbox_taken":  # accepted, or refused for good
        state["unanswered"] = [send for send in state["unanswered"] if send["n"] != n]
        save()
        print(op, n, code or frame["id"], flush=True)
        for send in state["unanswered"][MOST - 1 : MOST]:  # one more may be said now
            say("send", **send)
    elif code == "unknown_identity":  # we have ended: somebody new has the same to send
        unanswered = [{**send, "n": at} for at, send in enumerate(state["unanswered"], 1)]
        state.update(outbox=os.urandom(16).hex(), next=len(unanswered) + 1, unanswered=unanswered, id=None)
        save()
    elif op == "message":
        if frame["id"] not in state["processed"]:
            print(f"{frame['from']}: {frame.get('body')}", flush=True)  # this is the processing
            state["processed"] = state["processed"][-999:] + [frame["id"]]
            save()
        if frame.get("ack") is not False:
            say("ack", ids=[frame["id"]])
    elif op in ("lost", "receipt"):
        print(op, frame, flush=True)
        say("ack", seq=frame["to"] if op == "lost" else frame["seq"])
    elif op == "goaway":
        now["pause"] = frame["reconnect_after_ms"] / 1000

async def stay_connected():
    while True:
        now.update(socket=None, pause=None)
        code, identity = None, {key: state[key] for key in ("id", "token") if state.get("id")}
        try:
            socket = await websocket.connect(URL, "ackd.v1.json")
            socket.send(json.dumps({"op": "connect", "outbox": state["outbox"], **identity}))
            async for text in socket:
                frames = json.loads(text)
                for frame in frames if isinstance(frames, list) else [frames]:
                    hear(socket, **frame)
            code = socket.code or 0
        except OSError:
            pass  # nobody listens there now
        if code in (1000, 1002, 1003, 1007, 1009) or code and code // 100 == 44 and state.get("id"):
            sys.exit(f"closed with {code}")
        pause = random.uniform(0, min(30, 0.5 * 2 ** now["attempt"]))
        now.update(socket=None, attempt=now["attempt"] + 1)
        await asyncio.sleep(pause if now["pause"] is None else now["pause"])

def take(line):
    to, text = line.rstrip("\n").split(" ", 1)
    send = {"n": state["next"], "to": to, "body": text}
    state.update(unanswered=state["unanswered"] + [send], next=state["next"] + 1)
    save()
    if len(state["unanswered"]) <= MOST:
        say("send", **send)

async def main():
    if os.path.exists(FILE):
        state.update(json.load(open(FILE)))
    loop = asyncio.get_running_loop()
    read = lambda: [loop.call_soon_threadsafe(take, line) for line in sys.stdin]
    threading.Thread(target=read, daemon=True).start()
    await stay_connected()

asyncio.run(main())
