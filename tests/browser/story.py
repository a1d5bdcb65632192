"""Prints a made-up log for the page: an hour of a shop with two deployments and two overlapping incidents, the same with
lines that want to be markup, or an hour in which all went well. The same bytes every time."""

import json
import sys

START_MS = 1_767_261_600_000
MINUTES = 60
ROUTES = ["/api/orders", "/api/checkout", "/api/users/create", "/api/search", "/api/invoices/monthly"]
REFUSED = (
    "Error: connect ECONNREFUSED 10.0.0.5:5432\n"
    "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)"
)
VARIABLE = "Error: Missing required environment variable: STRIPE_SECRET_KEY\n    at readEnv (/app/config.js:14:11)"
POOL = (
    "Timed out fetching a new connection from the connection pool. More info: http://pris.ly/d/connection-pool "
    "(Current connection pool timeout: 10, connection limit: 5)"
)
UNKNOWN = "Error: something went wrong in step 7"
HOSTILE = (
    "<script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)><style>*{display:none}</style>"
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'></code></pre></body>\"'`&lt;"
)


def entry(number, time_ms, route, status, message, deployment):
    return {
        "id": f"event-{number}",
        "timestamp": time_ms,
        "deploymentId": deployment,
        "projectId": "prj_Example",
        "host": "shop.example.com",
        "source": "lambda",
        "level": "error" if status >= 500 else "info",
        "path": route,
        "environment": "production",
        "requestId": f"request-{number:05}",
        "statusCode": status,
        "message": message,
        "proxy": {
            "timestamp": time_ms,
            "method": "POST" if "create" in route or "checkout" in route else "GET",
            "host": "shop.example.com",
            "path": route,
            "statusCode": status,
        },
    }


def fails(minute, index, route):
    """The message of a request that fails, or None."""
    if 18 <= minute < 47 and route == "/api/checkout":
        return VARIABLE
    if 24 <= minute < 36 and route in ("/api/orders", "/api/search") and index % 3 != minute % 3:
        return REFUSED
    if minute in (29, 30, 31, 33) and route == "/api/invoices/monthly" and index % 2:
        return POOL
    if minute in (7, 41, 58) and index == 11:
        return UNKNOWN
    return None


def main(kind):
    number = 0
    for minute in range(MINUTES):
        deployment = "dpl_9Qa1ExampleBefore" if minute < 18 else "dpl_2fJ7ExampleBroken"
        if minute >= 47:
            deployment = "dpl_9Qb4ExampleRepaired"
        for index in range(20 + (minute * 7) % 11):
            number += 1
            route = ROUTES[(index * 3 + minute) % len(ROUTES)]
            message = None if kind == "well" else fails(minute, index, route)
            time_ms = START_MS + minute * 60_000 + index * 2_000
            one = entry(number, time_ms, route, 500 if message else 200, message or "done", deployment)
            if kind == "hostile" and message:
                one["message"] = f"{message} {HOSTILE}"
                one["path"] = one["proxy"]["path"] = route + "/" + HOSTILE
                one["deploymentId"] = deployment + HOSTILE
            print(json.dumps(one))


main(sys.argv[1])
