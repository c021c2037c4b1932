"""bill --export: FOCUS rows that add up and hold the specification, tables for a spreadsheet; and back."""
import csv
import decimal
import io
import json
import random
import re

import focus_rules
from support import Case

decimal.getcontext().prec = 80

PLANS = {
    "token": {"name": "acme/token", "seller": "Acme", "per_mtok": {"input": "2.51", "cached_input": "0.3", "output": "10"},
              "multipliers": {"batch": "0.5"}, "per_tool": {"web_search": "0.01"},
              "tiers": [{"input_over": 9000, "per_mtok": {"input": "5", "output": "20"}}],
              "billed": {"failed": "input", "aborted": "delivered"}},
    "flat": {"name": "acme/flat", "subscription": {"price": "79.99", "period": "month", "seats": 2,
             "includes": {"requests": 40, "per": "day"}, "beyond": "queue"}},
    "overage": {"name": "acme/overage", "subscription": {"price": "10", "period": "month",
                "includes": {"requests": 30, "per": "month", "beyond": "pay"}}, "per_request": "0.0437",
                "weights": [{"models": "m-large", "weight": "3"}]},
    "credit": {"name": "acme/credit", "subscription": {"price": "19", "period": "month", "setup": "5",
               "includes": {"usd": "0.9", "per": "week", "beyond": "pay"}},
               "per_mtok": {"input": "5", "output": "30"}, "rounding": {"to": "0.01", "on": "bill"},
               "volume": {"per": "month", "steps": [{"over_usd": "1", "off_percent": "7"}]}},
    "fees": {"name": "acme/fees", "per_mtok": {"input": "5", "output": "30"}, "rounding": {"to": "0.0001", "on": "request"},
             "credit_fee": {"percent": "5.5", "minimum": "0.80"}, "minimum": {"usd": "90", "per": "month"}},
    "gpu": {"name": "acme/gpu", "provisioned": {"unit": "H100", "price": "4.021", "per": "hour", "units": 3}},
    "units": {"name": "acme/units", "provisioned": {"unit": "PTU", "price": "1", "per": "hour", "units": 3,
              "tokens_per_minute": 40000, "beyond": "pay"}, "per_mtok": {"input": "1", "output": "2"}},
    "free": {"name": "acme/free", "subscription": {"price": "0", "period": "month",
             "includes": {"requests": 8, "per": "day"}, "beyond": "reject"}},
}


class Focus(Case):
    def trace(self, days=16, count=150):
        draw = random.Random(11)
        lines = [json.dumps({"start": "2026-11-20T18:30:00.250Z"})]
        times = sorted(round(draw.random() * days * 86400000, 3) for _ in range(count))
        for at in times:
            row = {"timestamp": at, "input_length": draw.randint(10, 12000), "output_length": draw.randint(1, 900),
                   "model": draw.choice(["m-large", "m-small"]), "service": draw.choice(["standard", "standard", "batch"])}
            if draw.random() < 0.9:
                row["labels"] = {"team": draw.choice(["search", "ops, \"night\"", "größe"]), "cost_center": 7,
                                 "nested": {"a": [1, 2]}, "none": None}
            if draw.random() < 0.3:
                row["usage"] = {"cached_input": row["input_length"] // 2, "tools": {"web_search": 1}}
            if draw.random() < 0.1:
                row["status"] = draw.choice(["failed", "aborted"])
            if draw.random() < 0.1:
                row["attempts"] = 2
            lines.append(json.dumps(row, ensure_ascii=False))
        return self.write("trace.jsonl", "\n".join(lines) + "\n")

    def book(self, name):
        return self.write(f"{name}.json", json.dumps({"plans": [PLANS[name]]}))

    def export(self, trace, name, *more):
        path = self.path(f"{name}.csv")
        self.farebox("bill", trace, "--plans", self.book(name), "--export", "focus", "-o", path, "--force", *more)
        return path

    def rows(self, path):
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def bill(self, trace, name, *more):
        return self.farebox_json("bill", trace, "--plans", self.book(name), *more)["plans"][0]

    @staticmethod
    def total(rows, column):
        return sum((decimal.Decimal(row[column] or 0) for row in rows), decimal.Decimal(0))

    def test_rows_hold_the_specification_and_add_up_to_the_bill(self):
        trace = self.trace()
        for name in PLANS:
            with self.subTest(plan=name):
                path = self.export(trace, name)
                rows, bill = self.rows(path), self.bill(trace, name)
                self.assertEqual(focus_rules.violations(path), [])
                total = decimal.Decimal(bill["total_usd"])
                self.assertEqual(self.total(rows, "BilledCost"), total)
                self.assertEqual(self.total(rows, "EffectiveCost"), total)
                self.assertEqual(self.total(rows, "x_RequestCount"), bill["served"])

    def test_teams_bear_in_rows_what_they_bear_in_the_table(self):
        trace = self.trace()
        for name in ("token", "flat", "overage", "units"):
            rows, bill = self.rows(self.export(trace, name)), self.bill(trace, name, "--by", "team")
            for group in bill["by"]["team"]:
                if group["kind"] != "value":
                    continue
                mine = [r for r in rows if r["Tags"] and json.loads(r["Tags"])["team"] == group["name"]]
                apart = self.total(mine, "EffectiveCost") - decimal.Decimal(group["total_usd"])
                self.assertLess(abs(apart), decimal.Decimal("1e-9"), (name, group["name"]))

    def test_what_is_used_and_unused_of_a_subscription_is_told_apart(self):
        trace = self.trace()
        rows = self.rows(self.export(trace, "flat"))
        status = {s: [r for r in rows if r["CommitmentDiscountStatus"] == s] for s in ("Used", "Unused")}
        bought = [r for r in rows if r["ChargeCategory"] == "Purchase"]
        self.assertEqual(self.total(bought, "BilledCost"), decimal.Decimal("159.98"))
        self.assertEqual([r["PricingUnit"] for r in bought], ["Subscription-Months"])
        self.assertEqual(decimal.Decimal(bought[0]["PricingQuantity"]), 2)
        quantity = {s: self.total(status[s], "CommitmentDiscountQuantity") for s in status}
        self.assertEqual(quantity["Used"], self.bill(trace, "flat")["served"])
        self.assertEqual(sum(quantity.values()), decimal.Decimal(bought[0]["CommitmentDiscountQuantity"]))

    def test_a_changed_file_breaks_a_rule(self):
        """Each way to spoil a cell is noticed, of whatever column."""
        trace = self.trace(days=3, count=25)
        spoiled = 0
        for name in ("flat", "credit", "fees"):
            path = self.export(trace, name)
            with open(path, newline="", encoding="utf-8") as file:
                table = list(csv.reader(file))
            for change in self.changes(table):
                spoiled += 1
                bad = [list(row) for row in table]
                what = change(bad)
                with open(self.path("spoiled.csv"), "w", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows(bad)
                self.assertNotEqual(focus_rules.violations(self.path("spoiled.csv")), [], (name, what))
        self.assertGreater(spoiled, 150)

    @staticmethod
    def changes(table):
        """Functions that spoil a table and say how: no mandatory column, no value where one must be,
        a value that is none, a cost that is another."""
        header = table[0]

        def drop(column):
            def change(bad):
                for row in bad:
                    del row[column]
                return f"no {header[column]}"
            return change

        def put(row, column, value):
            def change(bad):
                bad[row][column] = value
                return f"row {row}: {header[column]} = {value!r}"
            return change

        for column, name in enumerate(header):
            level, nullable, _ = focus_rules.COLUMNS.get(name, ("x", True, None))
            if level == "M":
                yield drop(column)
            filled = next((i for i, row in enumerate(table[1:], 1) if row[column]), None)
            if filled and not nullable:
                yield put(filled, column, "")
            if filled and level != "x" and focus_rules.COLUMNS[name][2] is not focus_rules.text:
                yield put(filled, column, "?")
            if filled and name in ("ListCost", "ContractedCost", "PricingQuantity") and \
                    float(table[filled][header.index("ListUnitPrice")] or 0) > 0:
                yield put(filled, column, "123.5")
        for name, value in (("CommitmentDiscountStatus", ""), ("EffectiveCost", "7"), ("ConsumedUnit", ""),
                            ("ServiceCategory", "Compute"), ("BillingPeriodEnd", "2027-06-01T00:00:00Z"),
                            ("ChargePeriodStart", "2027-06-01T00:00:00Z"), ("PricingUnit", ""), ("SkuPriceId", "")):
            column = header.index(name)
            filled = next((i for i, row in enumerate(table[1:], 1) if row[column] and
                           (name != "EffectiveCost" or row[header.index("CommitmentDiscountId")] or
                            row[header.index("ChargeCategory")] == "Adjustment")), None)
            if filled:
                yield put(filled, column, value)

    def test_what_the_bill_does_not_know_is_given(self):
        given = {"account": "acme-prod", "account-name": "Acme production", "provider": "Cloud", "publisher": "Lab",
                 "issuer": "Reseller", "invoice": "INV-7", "service": "Models", "sub-account": "team"}
        words = [word for key, value in given.items() for word in ("--focus", f"{key}={value}")]
        row = self.rows(self.export(self.trace(), "token", *words))[0]
        self.assertEqual((row["BillingAccountId"], row["BillingAccountName"], row["ProviderName"], row["PublisherName"],
                          row["InvoiceIssuerName"], row["InvoiceId"], row["ServiceName"]),
                         ("acme-prod", "Acme production", "Cloud", "Lab", "Reseller", "INV-7", "Models"))
        self.assertEqual(row["SubAccountId"], json.loads(row["Tags"])["team"])
        plain = self.rows(self.export(self.trace(), "token"))[0]
        self.assertEqual((plain["BillingAccountId"], plain["ProviderName"], plain["InvoiceIssuerName"], plain["InvoiceId"]),
                         ("trace", "Acme", "Acme", ""))

    def test_what_cannot_be_exported_is_refused(self):
        trace, token = self.trace(), self.book("token")
        bare = self.write("bare.jsonl", '{"timestamp": 0, "input_length": 5, "output_length": 5}\n')
        for words, part in (((trace, "--plans", f"{token},{self.book('flat')}", "--export", "focus"), "one plan"),
                            ((bare, "--plans", token, "--export", "focus"), "--start"),
                            ((trace, "--plans", token, "--export", "excel"), "csv or focus"),
                            ((trace, "--plans", token, "--focus", "account=a"), "--export focus"),
                            ((trace, "--plans", token, "--export", "focus", "--focus", "acount=a"), 'did you mean account'),
                            ((trace, "--plans", token, "--export", "focus", "--json"), "-o FILE"),
                            ((trace, "--plans", token, "--export", "focus", "--volume", "9000000"), "scaled")):
            done = self.farebox("bill", *words, expect=2)
            self.assertIn(part, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_the_export_alone_goes_to_standard_output(self):
        trace = self.trace()
        done = self.farebox("bill", trace, "--plans", self.book("token"), "--export", "focus")
        path = self.write("out.csv", done.stdout)
        self.assertEqual(focus_rules.violations(path), [])
        self.assertEqual(self.rows(path), self.rows(self.export(trace, "token")))

    def test_rows_are_read_back_as_demand(self):
        trace, book = self.trace(days=21, count=400), self.book("token")
        path = self.export(trace, "token")
        days = {}
        for row in self.rows(path):
            day = days.setdefault(row["ChargePeriodStart"][:10], [0, 0, 0])
            for i, column in enumerate(("x_RequestCount", "x_InputTokens", "x_OutputTokens")):
                day[i] += int(row[column] or 0)
        self.assertEqual(sum(day[0] for day in days.values()), 400)
        table = self.write("days.csv", "date,requests,input_tokens,output_tokens\n" + "".join(
            f"{day},{','.join(map(str, sums))}\n" for day, sums in sorted(days.items())))
        forecast = [self.farebox_json("plan", "forecast", trace, "--plans", book, "--history", history, "--samples", 50)
                    for history in (path, table)]
        self.assertEqual(forecast[0], forecast[1])

    def test_a_table_for_a_spreadsheet_has_the_figures_of_the_bill(self):
        trace, plans = self.trace(), f"{self.book('flat')},{self.book('credit')}"
        bill = self.farebox_json("bill", trace, "--plans", plans, "--by", "team")
        done = self.farebox("bill", trace, "--plans", plans, "--by", "team", "--export", "csv")
        parts = list(csv.DictReader(io.StringIO(done.stdout.lstrip("\ufeff"))))
        for plan in bill["plans"]:
            mine = [row for row in parts if row["plan"] == plan["plan"]]
            self.assertEqual([(row["name"], row["total_usd"], row["kind"]) for row in mine],
                             [(g["name"], g["total_usd"], g["kind"]) for g in plan["by"]["team"]])
            self.assertEqual(self.total(mine, "total_usd"), decimal.Decimal(plan["total_usd"]))
        done = self.farebox("bill", trace, "--plans", plans, "--export", "csv")
        table = list(csv.DictReader(io.StringIO(done.stdout.lstrip("\ufeff"))))
        self.assertEqual([row["total_usd"] for row in table], [plan["total_usd"] for plan in bill["plans"]])

    def test_a_directory_has_the_parts_on_its_page_and_as_a_table(self):
        trace, folder = self.trace(), self.path("bill")
        self.farebox("bill", trace, "--plans", self.book("flat"), "--by", "team", "-o", folder, "--no-plots")
        with open(f"{folder}/shares.csv", newline="", encoding="utf-8-sig") as file:
            parts = list(csv.DictReader(file))
        with open(f"{folder}/bill.json", encoding="utf-8") as file:
            groups = json.load(file)["plans"][0]["by"]["team"]
        with open(f"{folder}/index.html", encoding="utf-8") as file:
            page = file.read().partition("acme/flat by team</h3>")[2].partition("</table>")[0]
        self.assertEqual([row["shown_usd"] for row in parts], [group["shown_usd"] for group in groups])
        self.assertEqual(parts[-1]["kind"], "unused")
        cells = [float(cell) for cell in re.findall(r'data-v="([^"]*)"', page)][3::7]
        self.assertEqual(cells[:1], [float(groups[0]["shown_usd"])])
        self.assertIn("ops, &quot;night&quot;", page)
