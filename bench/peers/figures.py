"""What compare.py measured, as numbers, as Markdown and as a drawing. Needs nothing but Python's own library.

A result is a dictionary as compare.py writes it to peers.json:

    command, date, threads, rounds, seconds, real_time
    recipe         of pictures, where files are measured: then a model has instead of gmac and peak_gmac_per_s
                   files, how many, and ours_share, of reading, decoding, resizing and network; times are of all files
    environment    of `intvit bench --format json`
    setups         [{key, name, precision, how, version}], version None where it ran nowhere
    models         [{arch, name, isa, gmac, ours_ms, peak_gmac_per_s, peers}], the middle two with a number a round;
                   peers: {key: {ms: a number a round, cosine or None} or {missing: reason}}
"""

import html
import math
import statistics

OURS = "intvit"


def ratios(model, key):
    """How many times as long the peer took, round by round; empty where it is missing."""
    times = model["peers"].get(key, {}).get("ms", [])
    return [theirs / ours for theirs, ours in zip(times, model["ours_ms"])]


def ours_name(result):
    return f"intvit {result['environment']['intvit']}, {result['weight_format']}"


def share_of_peak(model, times):
    """The median over the rounds of the rate's share of the int8 peak beside it."""
    return statistics.median(model["gmac"] / ms * 1e3 / peak for ms, peak in zip(times, model["peak_gmac_per_s"]))


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def mean_ratio(result, key):
    """The geometric mean over the models; None where one is missing."""
    all_ratios = [ratios(model, key) for model in result["models"]]
    if not all(all_ratios):
        return None
    return geometric_mean([statistics.median(values) for values in all_ratios])


def milliseconds(value):
    return f"{value:.2f}" if value < 100 else f"{value:.1f}"


def escape_cell(text):
    return " ".join(text.replace("|", "\\|").split())


def table(columns, rows):
    lines = [columns, ["---"] + ["--:"] * (len(columns) - 1)] + rows
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def main_table(result):
    """A line a setup: milliseconds, how many times ours that is, and the share of the int8 peak, for every model."""
    models = result["models"]
    columns = [""]
    ours = [f"**{ours_name(result)}**"]
    for model in models:
        columns += [f"{model['name']} ms", "/ intvit", "int8 peak"]
        ours += [f"**{milliseconds(statistics.median(model['ours_ms']))}**", "1",
                 f"{100 * share_of_peak(model, model['ours_ms']):.0f} %"]
    rows = [ours + ["1"]]
    for setup in result["setups"]:
        key = setup["key"]
        cells = [setup["name"]]
        for model in models:
            values = ratios(model, key)
            if not values:
                cells += ["missing", "", ""]
                continue
            times = model["peers"][key]["ms"]
            cells += [milliseconds(statistics.median(times)), f"{statistics.median(values):.2f}",
                      f"{100 * share_of_peak(model, times):.0f} %"]
        mean = mean_ratio(result, key)
        rows.append(cells + [f"{mean:.2f}" if mean else ""])
    return table(columns + ["mean / intvit"], rows)


def rounds_table(result):
    rows = []
    for setup in result["setups"]:
        lists = [ratios(model, setup["key"]) for model in result["models"]]
        if any(lists):
            rows.append([setup["name"]] + [" ".join(f"{value:.2f}" for value in values) for values in lists])
    return table(["time / intvit's, round by round"] + [model["name"] for model in result["models"]], rows)


def setup_lines(result):
    """How every setup was made, and why one is missing."""
    lines = []
    for setup in result["setups"]:
        cosines = [model["peers"][setup["key"]]["cosine"] for model in result["models"]
                   if ratios(model, setup["key"]) and model["peers"][setup["key"]]["cosine"] is not None]
        line = f"* {setup['name']}: {setup['how']}."
        if setup["version"]:
            line += f" Version {setup['version']}."
        if cosines:
            line += f" Cosine of its logits with float32's at least {min(cosines):.4f}."
        reasons = {}
        for model in result["models"]:
            reason = model["peers"].get(setup["key"], {}).get("missing")
            if reason:
                reasons.setdefault(reason, []).append(model["name"])
        for reason, names in reasons.items():
            line += f" **Missing** ({', '.join(names)}): {escape_cell(reason)}"
        lines.append(line + "\n")
    return "".join(lines)


def threads_text(count):
    return f"{count} thread" if count == 1 else f"{count} threads"


def load_text(result):
    """What runs at once."""
    if not result.get("throughput"):
        return threads_text(result["threads"])
    count = result["threads"]
    return f"throughput of {count} {'stream' if count == 1 else 'streams'} of one thread each"


def markdown(result):
    environment = result["environment"]
    rounds = "1 round" if result["rounds"] == 1 else f"{result['rounds']} rounds"
    priority = f", all at real-time priority {result['real_time']} while measured" if result["real_time"] else ""
    machine = (f"{environment['processor']}, {environment.get('system') or 'system unknown'}, {result['date']}; batch 1, "
               f"{load_text(result)}, intvit on {result['models'][0]['isa']}; medians of {rounds}, in each "
               f"of which everything ran in turn for {result['seconds']:g} s{priority}.")
    return (f"{machine}\n\n```sh\n{result['command']}\n```\n\n{main_table(result)}\n{setup_lines(result)}\n"
            f"{rounds_table(result)}")


def files_table(result):
    """A line a setup: files a second, and how many times as many intvit takes, for every model."""
    columns = [""]
    ours = [f"**{ours_name(result)}**"]
    for model in result["models"]:
        columns += [f"{model['name']} files/s", "intvit's, times"]
        ours += [f"**{model['files'] / statistics.median(model['ours_ms']) * 1e3:.1f}**", "1"]
    rows = [ours]
    for setup in result["setups"]:
        cells = [f"Pillow + {setup['name']}"]
        for model in result["models"]:
            values = ratios(model, setup["key"])
            if values:
                times = model["peers"][setup["key"]]["ms"]
                cells += [f"{model['files'] / statistics.median(times) * 1e3:.1f}", f"{statistics.median(values):.2f}"]
            else:
                cells += ["missing", ""]
        rows.append(cells)
    return table(columns, rows)


def shares_text(result):
    """What intvit's threads spend their time on."""
    texts = []
    for model in result["models"]:
        shares = [f"{step} {100 * statistics.median(share[step] for share in model['ours_share']):.1f} %"
                  for step in ("read", "decode", "resize", "network")]
        texts.append(f"{model['name']}: {', '.join(shares)}")
    return "; ".join(texts)


def files_markdown(result):
    environment = result["environment"]
    machine = (f"{environment['processor']}, {environment.get('system') or 'system unknown'}, {result['date']}; "
               f"{result['models'][0]['files']} files, {threads_text(result['threads'])}, intvit on "
               f"{result['models'][0]['isa']}, {result['recipe']}; medians of {result['rounds']} rounds, in each of which "
               f"everything went over the files once.")
    return (f"{machine}\n\n```sh\n{result['command']}\n```\n\n{files_table(result)}\n"
            f"Of intvit's time: {shares_text(result)}.\n\n{setup_lines(result)}\n{rounds_table(result)}")


STYLE = """
text { font: 12px system-ui, sans-serif; fill: #3b4552; } .title { font-weight: 600; font-size: 14px; fill: #1c2430; }
.strong { font-weight: 600; fill: #1c2430; } .soft { fill: #6a7482; }
.ours { fill: #d9480f; } .int8 { fill: #3b82c4; } .bfloat16 { fill: #8b7bd0; } .float32 { fill: #9aa5b1; }
.peak { stroke: #1c2430; stroke-dasharray: 3 3; } .rule { stroke: #d5dbe1; }
@media (prefers-color-scheme: dark) { text { fill: #b4bfcc; } .title, .strong { fill: #e8edf3; } .soft { fill: #8f9bab; }
.peak { stroke: #e8edf3; } .rule { stroke: #333c47; } .int8 { fill: #5b9bd8; } .float32 { fill: #6f7b89; } }
"""


def drawing(result):
    """An SVG of bars: how many times ours everything takes, a panel a model, with the time that the peak would take."""
    models = result["models"]
    rows = [{"key": OURS, "name": ours_name(result), "precision": "ours"}]
    rows += result["setups"]
    names, panel, row, top = 190, 256, 24, 56
    width = max(names + panel * len(models), 680)  # the legend's
    bottom = top + row * len(rows)
    parts = []

    def text(x, y, content, css="", anchor="start"):
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">{html.escape(content)}</text>\n')

    text(0, 16, f"Time of one image, as a multiple of intvit's ({load_text(result)})", "title")
    for index, setup in enumerate(rows):
        text(names - 10, top + row * index + 16, setup["name"], "strong" if setup["key"] == OURS else "", "end")
    longest = max([1.0] + [statistics.median(ratios(model, setup["key"])) for model in models
                           for setup in result["setups"] if ratios(model, setup["key"])])
    scale = (panel - 116) / longest
    for column, model in enumerate(models):
        left = names + panel * column
        text(left, top - 14, model["name"], "title")
        for index, setup in enumerate(rows):
            y = top + row * index
            if setup["key"] == OURS:
                ratio, times = 1.0, model["ours_ms"]
            else:
                values = ratios(model, setup["key"])
                if not values:
                    text(left + 4, y + 16, "missing", "soft")
                    continue
                ratio, times = statistics.median(values), model["peers"][setup["key"]]["ms"]
            parts.append(f'<rect x="{left}" y="{y + 4}" width="{ratio * scale:.1f}" height="{row - 8}" rx="2" '
                         f'class="{setup["precision"]}"/>\n')
            text(left + ratio * scale + 5, y + 16, f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}", "strong")
            text(left + ratio * scale + 40, y + 16, f"{milliseconds(statistics.median(times))} ms", "soft")
        at_peak = left + share_of_peak(model, model["ours_ms"]) * scale
        parts.append(f'<line x1="{at_peak:.1f}" x2="{at_peak:.1f}" y1="{top}" y2="{bottom}" class="peak"/>\n'
                     f'<line x1="{left}" x2="{left}" y1="{top}" y2="{bottom}" class="rule"/>\n')
    x = names
    for css, name in (("int8", "int8"), ("bfloat16", "bfloat16"), ("float32", "float32")):
        parts.append(f'<rect x="{x}" y="{bottom + 14}" width="12" height="12" rx="2" class="{css}"/>\n')
        text(x + 18, bottom + 24, name)
        x += 90
    parts.append(f'<line x1="{x}" x2="{x}" y1="{bottom + 12}" y2="{bottom + 28}" class="peak"/>\n')
    text(x + 8, bottom + 24, "the core's measured int8 peak" if result["threads"] == 1 else "the measured int8 peak")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 40}" width="{width}" '
            f'height="{bottom + 40}">\n<style>{STYLE}</style>\n{"".join(parts)}</svg>\n')
