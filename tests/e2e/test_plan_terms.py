"""What is sold in 2026, a plan each, with bills that were worked out by hand."""
import json

from support import Case

MONDAY = {"start": "2026-11-02T00:00:00Z"}
DAY = 1440  # minutes
TOKENS = {"per_mtok": {"input": "1", "output": "10"}}


def rows(*minutes, tokens=(600_000, 0), **more):
    """Requests at these minutes, all alike."""
    return [{"timestamp": m * 60_000, "input_length": tokens[0], "output_length": tokens[1], **more}
            for m in minutes]


def free(*quotas):
    return {**TOKENS, "free": [{"beyond": "reject", **q} for q in quotas]}


def tools(count, name="web_search", of="tools"):
    return {"usage": {of: {name: count}}}


# what it is: the rows, the plan, what the bill must say of it
TERMS = {
    # [0:00, 5:00) takes 0:00 and 4:50, [5:10, 10:10) the next two; 10:11 begins a third
    "a session window": (rows(0, 290, 310, 311, 312, 611),
                         free({"requests": 2, "per": "5h", "window": "session"}),
                         {"served": 5, "rejected": 1}),
    # $0.60 each: one a day within a dollar
    "dollars that queue": (rows(0, 1, 2, 3), {**TOKENS, "subscription": {
        "price": "20", "period": "month",
        "includes": {"usd": "1", "per": "day", "beyond": "queue"}}},
        {"total_usd": "20", "served": 4, "delayed": 3}),
    "dollars that reject": (rows(0, 1, 2, 3), free({"usd": "1", "per": "day"}),
                            {"total_usd": "0", "served": 1, "rejected": 3}),
    # $2.40 of use, 100 credits pay one of them
    "credits that pay": (rows(0, 1, 2, 3), {**TOKENS, "subscription": {
        "price": "10", "period": "month",
        "includes": {"credits": 100, "credit_usd": "0.01", "per": "month"}}},
        {"total_usd": "11.4"}),
    "credits that reject": (rows(0, 1, 2, 3),
                            free({"credits": 100, "credit_usd": "0.01", "per": "day"}),
                            {"served": 1, "rejected": 3}),
    "tokens that reject": (rows(0, 1, 2, DAY), free({"tokens": 1_000_000, "per": "day"}),
                           {"served": 2, "rejected": 2}),
    # the second of big finds no room in big's own, the third of small none in the shared one
    "a model's quota beside a shared one": (
        rows(0, 1, model="big") + rows(2, 3, 4, model="small"),
        free({"requests": 3, "per": "day"}, {"requests": 1, "per": "day", "models": "big"}),
        {"served": 3, "rejected": 2}),
    # 0.10 + 0.30 + 0.30 + 0.10
    "weights by the hour": (rows(359, 360, 599, 600), {
        "per_request": "0.1", "weights": [{"start": "06:00", "end": "10:00", "weight": "3"}]},
        {"total_usd": "0.8"}),
    # of five calls three are free, of the next day's two both
    "free calls of a tool": (rows(0, tokens=(0, 0), **tools(5)) +
                             rows(DAY, tokens=(0, 0), **tools(2)),
                             {"per_tool": {"web_search": "0.01"},
                              "free": {"tool": "web_search", "calls": 3, "per": "day"}},
                             {"total_usd": "0.02"}),
    "free units": (rows(0, tokens=(0, 0), **tools(3, "image", "units")),
                   {"per_unit": {"image": "0.04"},
                    "free": {"unit": "image", "count": 1, "per": "month"}},
                   {"total_usd": "0.08"}),
    # a million written at $2.50 and kept for two hours at $4.50
    "cache storage by the hour": (
        rows(0, tokens=(1_000_000, 0), usage={"cache_write": 1_000_000}),
        {"per_mtok": {"input": "2", "cache_write": "2.5"},
         "cache_storage": {"per_mtok_hour": "4.5", "hours": 2}}, {"total_usd": "11.5"}),
    # 1,000 out at $10 a million, 1,001 at $20
    "prices by the answer's length": (
        rows(0, tokens=(0, 1000)) + rows(1, tokens=(0, 1001)),
        {"per_mtok": {"output": "10"},
         "tiers": [{"output_over": 1000, "per_mtok": {"output": "20"}}]}, {"total_usd": "0.03002"}),
    "prices by a picture's size": (
        rows(0, tokens=(0, 0), usage={"units": {"image_1024x1024": 2, "image_512x512": 1}}),
        {"per_unit": {"image_1024x1024": "0.04", "image_512x512": "0.016"}}, {"total_usd": "0.096"}),
    # $110 of use takes $100 of credit, and 5.5 % of that is the fee
    "bonus credit": (rows(0, tokens=(110_000_000 // 2, 5_500_000)),
                     {**TOKENS, "credit_fee": {"percent": "5.5", "bonus_percent": "10"}},
                     {"total_usd": "105.5"}),
    # one of three, then six of five, then four of three
    "rollover": (rows(0, *range(DAY, DAY + 6), *range(2 * DAY, 2 * DAY + 4)), {
        "per_request": "1", "subscription": {
            "price": "20", "period": "month",
            "includes": {"requests": 3, "per": "day", "rollover": True}}}, {"total_usd": "22"}),
    "a set-up fee": (rows(0), {"subscription": {"price": "20", "period": "month", "setup": "50"}},
                     {"total_usd": "70"}),
    "set-up fees of units": (rows(0), {"provisioned": {"price": "1", "units": 2, "setup": "10"}},
                             {"total_usd": "22"}),
    "a charge by the turn": (rows(0, 3, initiator="user") + rows(1, 2, initiator="agent"),
                             {"per_request": "0.5", "charged_per": "turn"}, {"total_usd": "1"}),
    "a charge by the session": (rows(0, 1, session_id="a") + rows(2, session_id="b"),
                                {"per_request": "0.5", "charged_per": "session"},
                                {"total_usd": "1"}),
    # 100 in and 100 out use 500 of 1,000 a minute; the third spills over: 200 at $100 a million
    "burndown by class, with spill-over": (
        rows(0, 0, 0, tokens=(100, 100)),
        {"per_mtok": {"input": "100", "output": "100"}, "provisioned": {
            "price": "1", "units": 1, "tokens_per_minute": 1000, "counts": {"output": 4},
            "beyond": "pay"}}, {"total_usd": "1.02"}),
    "another currency": (rows(0, tokens=(1_000_000, 0)), {"per_mtok": {"input": "8"}},
                         {"total_usd": "1.108", "currency": "CNY at 0.1385 USD (2026-11-02)"}),
    "a service by its own name": (rows(0, tokens=(1_000_000, 0), service="fast"),
                                  {**TOKENS, "multipliers": {"fast": "6"}}, {"total_usd": "6"}),
    "an uplift by region": (
        rows(0, tokens=(1_000_000, 0), labels={"region": "eu"}) + rows(1, tokens=(1_000_000, 0)),
        {**TOKENS, "uplift": {"label": "region", "values": {"eu": "1.1"}}}, {"total_usd": "2.1"}),
    # 2.4 million, of which 0.4 above two: half off these
    "tokens by volume, graduated": (
        rows(0, 1, 2, 3),
        {**TOKENS, "volume": {"steps": [{"over_tokens": 2_000_000, "off_percent": 50}]}},
        {"total_usd": "2.2"}),
    "tokens by volume, all units": (
        rows(0, 1, 2, 3), {**TOKENS, "volume": {
            "mode": "all_units", "steps": [{"over_tokens": 2_000_000, "off_percent": 50}]}},
        {"total_usd": "1.2"}),
}


class Terms(Case):
    def bill(self, what, *more):
        requests, plan, _ = TERMS[what]
        requests = sorted(requests, key=lambda r: r["timestamp"])
        self.write("t.jsonl", "\n".join(map(json.dumps, [MONDAY, *requests])) + "\n")
        book = {"plans": [{"name": "p", **plan}]}
        if what == "another currency":
            book = {"currency": {"code": "CNY", "usd": "0.1385", "as_of": "2026-11-02"}, **book}
        self.write("plans.json", json.dumps(book))
        self.farebox("prices", "check", "plans.json")
        return self.farebox_json("bill", "t.jsonl", "--plans", "plans.json", *more)["plans"][0]

    def test_each_has_the_bill_that_a_person_works_out(self):
        for what, (_, _, expected) in TERMS.items():
            with self.subTest(what):
                wait = ("--max-wait", "30d") if "delayed" in expected else ()
                plan = self.bill(what, *wait)
                self.assertEqual({key: plan[key] for key in expected}, expected)

    def test_a_range_is_billed_at_both_ends(self):
        """Five requests: three beyond two, one beyond four."""
        TERMS["range"] = (rows(0, 1, 2, 3, 4), {"per_request": "1", "subscription": {
            "price": "5", "period": "month",
            "includes": {"requests": {"from": 2, "to": 4}, "per": "day"}}}, {})
        self.addCleanup(TERMS.pop, "range")
        self.bill("range")
        plans = self.farebox_json("bill", "t.jsonl", "--plans", "plans.json")["plans"]
        self.assertEqual([(p["plan"], p["total_usd"], p["rank"]) for p in plans],
                         [("p (at least)", "8", 2), ("p (at most)", "6", 1)])
