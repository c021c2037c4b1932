"""FOCUS 1.2, dataset CostAndUsage: what a file must hold, as the specification has it
(https://focus.finops.org, columns and attributes of version 1.2), in a table of our own.

    for what in violations(path): print(what)
"""
import csv
import datetime
import decimal
import json
import re

decimal.getcontext().prec = 80
NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)(E-?\d+)?")  # no sign before what is positive, no commas
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UNIT = re.compile(r"(\d+ )?[A-Za-z][A-Za-z0-9]*( [A-Za-z][A-Za-z0-9]*)*"
                  r"(-(Years|Months|Days|Hours|Minutes|Seconds)|/(Year|Month|Day|Hour|Minute|Second))?")
CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
SUBCATEGORIES = {  # of the one category that is ours
    "AI and Machine Learning": ("AI Platforms", "Bots", "Generative AI", "Machine Learning",
                                "Natural Language Processing", "Other (AI and Machine Learning)")}


def text(value):
    return value == value.strip() and value != ""


def number(value):
    return bool(NUMBER.fullmatch(value))


def price(value):
    return number(value) and decimal.Decimal(value) >= 0


def instant(value):
    if not INSTANT.fullmatch(value):
        return False
    try:
        return bool(datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return False


def unit(value):
    return bool(UNIT.fullmatch(value))


def currency(value):
    return bool(re.fullmatch("[A-Z]{3}", value))


def key_values(value):
    def unique(pairs):
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)
    try:
        found = json.loads(value, object_pairs_hook=unique)
    except ValueError:
        return False
    return isinstance(found, dict) and not any(isinstance(v, (dict, list)) for v in found.values())


def one_of(*values):
    return lambda value: value in values


# column: (level, may be null, what a value is). Mandatory, Conditional, Recommended; a conditional
# column is there where the seller has what it is about.
COLUMNS = {
    "AvailabilityZone": ("R", True, text),
    "BilledCost": ("M", False, number),
    "BillingAccountId": ("M", False, text),
    "BillingAccountName": ("M", True, text),
    "BillingAccountType": ("C", True, text),
    "BillingCurrency": ("M", False, currency),
    "BillingPeriodEnd": ("M", False, instant),
    "BillingPeriodStart": ("M", False, instant),
    "CapacityReservationId": ("C", True, text),
    "CapacityReservationStatus": ("C", True, one_of("Used", "Unused")),
    "ChargeCategory": ("M", False, one_of(*CATEGORIES)),
    "ChargeClass": ("M", True, one_of("Correction")),
    "ChargeDescription": ("M", True, text),
    "ChargeFrequency": ("R", False, one_of("One-Time", "Recurring", "Usage-Based")),
    "ChargePeriodEnd": ("M", False, instant),
    "ChargePeriodStart": ("M", False, instant),
    "CommitmentDiscountCategory": ("C", True, one_of("Spend", "Usage")),
    "CommitmentDiscountId": ("C", True, text),
    "CommitmentDiscountName": ("C", True, text),
    "CommitmentDiscountQuantity": ("C", True, number),
    "CommitmentDiscountStatus": ("C", True, one_of("Used", "Unused")),
    "CommitmentDiscountType": ("C", True, text),
    "CommitmentDiscountUnit": ("C", True, unit),
    "ConsumedQuantity": ("C", True, number),
    "ConsumedUnit": ("C", True, unit),
    "ContractedCost": ("M", False, number),
    "ContractedUnitPrice": ("C", True, price),
    "EffectiveCost": ("M", False, number),
    "InvoiceId": ("R", True, text),
    "InvoiceIssuerName": ("M", False, text),
    "ListCost": ("M", False, number),
    "ListUnitPrice": ("C", True, price),
    "PricingCategory": ("C", True, one_of("Standard", "Dynamic", "Committed", "Other")),
    "PricingCurrency": ("C", False, currency),
    "PricingCurrencyContractedUnitPrice": ("C", True, price),
    "PricingCurrencyEffectiveCost": ("C", False, number),
    "PricingCurrencyListUnitPrice": ("C", True, price),
    "PricingQuantity": ("M", True, number),
    "PricingUnit": ("M", True, unit),
    "ProviderName": ("M", False, text),
    "PublisherName": ("M", False, text),
    "RegionId": ("C", True, text),
    "RegionName": ("C", True, text),
    "ResourceId": ("C", True, text),
    "ResourceName": ("C", True, text),
    "ResourceType": ("C", True, text),
    "ServiceCategory": ("M", False, one_of(*SUBCATEGORIES)),
    "ServiceName": ("M", False, text),
    "ServiceSubcategory": ("R", False, one_of(*sum(SUBCATEGORIES.values(), ()))),
    "SkuId": ("C", True, text),
    "SkuMeter": ("C", True, text),
    "SkuPriceDetails": ("C", True, key_values),
    "SkuPriceId": ("C", True, text),
    "SubAccountId": ("C", True, text),
    "SubAccountName": ("C", True, text),
    "SubAccountType": ("C", True, text),
    "Tags": ("C", True, key_values),
}


def amount(row, column):
    return decimal.Decimal(row[column]) if row.get(column) else None


def is_priced(row):
    return row["ChargeCategory"] in ("Usage", "Purchase") and row["ChargeClass"] != "Correction"


def together(*columns):
    """Both null or both not."""
    return lambda r: len({bool(r[c]) for c in columns}) == 1


def product(price_column, cost_column):
    def holds(r):
        if not r[price_column] or not r["PricingQuantity"] or r["ChargeClass"] == "Correction":
            return True
        return amount(r, price_column) * amount(r, "PricingQuantity") == amount(r, cost_column)
    return holds


def null_for_tax(column):
    return lambda r: r["ChargeCategory"] != "Tax" or not r[column]


def there_for_prices(column):
    return lambda r: not is_priced(r) or bool(r[column])


def is_month(r):
    begin, end = r["BillingPeriodStart"], r["BillingPeriodEnd"]
    year, month = int(begin[:4]), int(begin[5:7])
    return end.startswith(f"{year + month // 12:04}-{month % 12 + 1:02}-01T")


# rule: (columns that it is about, what must hold of each row)
ROWS = {
    "a charge's period begins before it ends": (
        ("ChargePeriodStart", "ChargePeriodEnd"), lambda r: r["ChargePeriodStart"] < r["ChargePeriodEnd"]),
    "a billing period begins before it ends": (
        ("BillingPeriodStart", "BillingPeriodEnd"), lambda r: r["BillingPeriodStart"] < r["BillingPeriodEnd"]),
    "a billing period is a month, in which the charge begins": (
        ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart"),
        lambda r: is_month(r) and r["BillingPeriodStart"] <= r["ChargePeriodStart"] < r["BillingPeriodEnd"]),
    "a purchase is not by use": (
        ("ChargeFrequency",), lambda r: r["ChargeCategory"] != "Purchase" or r["ChargeFrequency"] != "Usage-Based"),
    "a credit costs the same however it is counted": (
        ("EffectiveCost", "ListCost", "ContractedCost"),
        lambda r: r["ChargeCategory"] not in ("Credit", "Adjustment") or
        len({amount(r, c) for c in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")}) == 1),
    "a commitment's purchase has no effective cost": (
        ("EffectiveCost",), lambda r: r["ChargeCategory"] != "Purchase" or not r["CommitmentDiscountId"] or
        amount(r, "EffectiveCost") == 0),
    "what a commitment covers is not billed again": (
        ("BilledCost",), lambda r: not r["CommitmentDiscountStatus"] or amount(r, "BilledCost") == 0),
    "a commitment is whole": (
        ("CommitmentDiscountId",),
        together("CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountCategory",
                 "CommitmentDiscountType")),
    "usage of a commitment says whether it was used": (
        ("CommitmentDiscountStatus",),
        lambda r: bool(r["CommitmentDiscountStatus"]) == (bool(r["CommitmentDiscountId"]) and
                                                          r["ChargeCategory"] == "Usage")),
    "a commitment has its quantity": (
        ("CommitmentDiscountQuantity",),
        lambda r: bool(r["CommitmentDiscountQuantity"]) == (bool(r["CommitmentDiscountId"]) and is_priced(r))),
    "a commitment's quantity has a unit": (
        ("CommitmentDiscountUnit",), together("CommitmentDiscountQuantity", "CommitmentDiscountUnit")),
    "what a commitment covers is priced so": (
        ("PricingCategory",),
        lambda r: (r["PricingCategory"] == "Committed") == bool(r["CommitmentDiscountStatus"])),
    "usage is consumed, what is unused not": (
        ("ConsumedQuantity",),
        lambda r: bool(r["ConsumedQuantity"]) == (r["ChargeCategory"] == "Usage" and
                                                  r["CommitmentDiscountStatus"] != "Unused")),
    "what is consumed has a unit": (("ConsumedUnit",), together("ConsumedQuantity", "ConsumedUnit")),
    "what is priced has a unit": (("PricingUnit",), together("PricingQuantity", "PricingUnit")),
    "price times quantity is the list cost": (("ListUnitPrice",), product("ListUnitPrice", "ListCost")),
    "price times quantity is the contracted cost": (
        ("ContractedUnitPrice",), product("ContractedUnitPrice", "ContractedCost")),
    "a resource has a type": (("ResourceType",), together("ResourceId", "ResourceType")),
    "a resource's name goes with it": (("ResourceName",), lambda r: bool(r["ResourceId"]) or not r["ResourceName"]),
    "a commitment that is bought or unused is a resource": (
        ("ResourceId",), lambda r: not (r["CommitmentDiscountId"] and r["CommitmentDiscountStatus"] != "Used") or
        r["ResourceId"] == r["CommitmentDiscountId"]),
    "a meter goes with a SKU": (("SkuMeter",), lambda r: bool(r["SkuId"]) or not r["SkuMeter"]),
    "details go with a price": (("SkuPriceDetails",), lambda r: bool(r["SkuPriceId"]) or not r["SkuPriceDetails"]),
    "details are ours": (
        ("SkuPriceDetails",),
        lambda r: not r["SkuPriceDetails"] or all(k.startswith("x_") for k in json.loads(r["SkuPriceDetails"]))),
    "a sub account has a name": (("SubAccountName",), together("SubAccountId", "SubAccountName")),
    "a subcategory has its category": (
        ("ServiceSubcategory",), lambda r: r["ServiceSubcategory"] in SUBCATEGORIES[r["ServiceCategory"]]),
}
for name in ("ListUnitPrice", "ContractedUnitPrice", "PricingCategory", "PricingQuantity", "SkuId", "SkuPriceId"):
    ROWS[f"{name} is null for a tax"] = ((name,), null_for_tax(name))
    ROWS[f"{name} is there for usage and purchases"] = ((name,), there_for_prices(name))


def columns_of(header):
    yield from (f"{name}: a mandatory column, absent" for name, (level, _, _) in COLUMNS.items()
                if level == "M" and name not in header)
    yield from (f"{name}: neither a column of FOCUS nor x_" for name in header
                if name not in COLUMNS and not name.startswith("x_"))
    yield from (f"{name}: twice" for name in set(header) if header.count(name) > 1)
    ours = [name.startswith("x_") for name in header]
    if ours != sorted(ours):
        yield "columns of our own stand among those of FOCUS"


def values_of(number_of, row):
    for name, (_, nullable, holds) in COLUMNS.items():
        value = row.get(name)
        if value is None:
            continue
        if value == "" and not nullable:
            yield f"row {number_of}: {name} must not be null"
        elif value != "" and not holds(value):
            yield f"row {number_of}: {name}: {value!r}"


def one_parent(rows, child, parent):
    """Every value of the one belongs to a single one of the other."""
    seen = {}
    for row in rows:
        if row[child] and seen.setdefault(row[child], row[parent]) != row[parent]:
            yield f"{child} {row[child]!r} has two of {parent}"


def commitments(rows):
    """What was bought is what its usage, used and unused, costs effectively."""
    for name in sorted({r["CommitmentDiscountId"] for r in rows if r["CommitmentDiscountId"]}):
        of = [r for r in rows if r["CommitmentDiscountId"] == name]
        bought = sum(amount(r, "BilledCost") for r in of if r["ChargeCategory"] == "Purchase")
        used = sum(amount(r, "EffectiveCost") for r in of if r["ChargeCategory"] == "Usage")
        if bought != used:
            yield f"commitment {name}: bought for {bought}, {used} in usage"
        if len({r["CommitmentDiscountUnit"] for r in of}) > 1:
            yield f"commitment {name}: several units"


def violations(path):
    with open(path, newline="", encoding="utf-8") as file:
        table = list(csv.reader(file))
    header, found = table[0], []
    found += columns_of(header)
    found += (f"row {i}: {len(cells)} fields of {len(header)}" for i, cells in enumerate(table[1:], 2)
              if len(cells) != len(header))
    if found:
        return found
    rows = [dict(zip(header, cells)) for cells in table[1:]]
    for i, row in enumerate(rows, 2):
        found += values_of(i, row)
    if found:
        return found
    for i, row in enumerate(rows, 2):
        found += (f"row {i}: {what}" for what, (_, holds) in ROWS.items() if not holds(row))
    found += one_parent(rows, "SkuPriceId", "SkuId")
    found += one_parent(rows, "ServiceName", "ServiceCategory")
    return found + list(commitments(rows))
