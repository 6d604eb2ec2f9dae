"""PyPI `websockets`: a conversation over a WebSocket. Prints what a page sees of it."""

import json, os
from websockets.sync.client import connect

url = os.environ["MAINSTAY_URL"].replace("http", "ws") + "/ws"
pricing = "catalog.v1.PricingService/"


def refused(answer):
    return {"code": answer["error"]["code"], "reason": answer["error"]["details"][0]["reason"]}


with connect(url, subprotocols=["mainstay.v1.json"]) as socket:
    say = lambda frame: socket.send(json.dumps(frame))
    hear = lambda: json.loads(socket.recv())
    cup = {"name": "products/cup"}
    say({"id": 1, "method": pricing + "PriceProduct", "message": cup})
    unknown = refused(hear())
    say({"auth": {"token": os.environ["USER_TOKEN"]}})
    assert "error" not in hear()["auth"]

    def all_of(number, method, messages, room=16):
        """Sends as many messages as it may, and gives what comes."""
        say({"id": number, "method": pricing + method})
        seen, messages, ended = [], list(messages), False
        while True:
            while messages and room:
                say({"id": number, "message": messages.pop(0)})
                room -= 1
            if not messages and not ended:
                say({"id": number, "end": True})
                ended = True
            answer = hear()
            room += answer.get("credit", 0)
            if "message" in answer:
                seen.append(answer["message"])
            if "error" in answer:
                return refused(answer)
            if "end" in answer:
                return seen

    offers = lambda count: [{"cents": str(cents * 10)} for cents in range(1, count + 1)]
    price = all_of(2, "PriceProduct", [cup])
    watched = all_of(3, "WatchPrices", [cup])
    added = all_of(4, "AddUp", offers(200))
    haggled = all_of(5, "Haggle", offers(50))
    missing = all_of(6, "PriceProduct", [{"name": "products/nowhere"}])
    say({"id": 7, "method": pricing + "Haggle"})
    bargained, cents = [], "1000"
    while len(bargained) < 3:
        say({"id": 7, "message": {"cents": cents}})
        cents = hear()["message"]["cents"]
        bargained.append(cents)
    say({"id": 7, "end": True})
    assert hear() == {"id": 7, "end": True}

print(json.dumps({
    "name": "websockets",
    "price": [one["cents"] for one in price],
    "watched": [one["cents"] for one in watched],
    "sum": [[one["cents"], one["pieces"]] for one in added],
    "haggled": [len(haggled), haggled[0]["cents"], haggled[49]["cents"]],
    "bargained": bargained,
    "missing": missing,
    "unknown": unknown,
}))
