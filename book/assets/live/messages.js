// Message passing on the karate club, in the chapter's layout: a drop falls on
// one member, and in each round every member asks the friends.
(() => {
  const PLACES = (
    "286,123 242,142 204,172 181,124 341,77 361,58 314,55 218,125 176,180 77,189 395,81 444,111 180,88 " +
    "188,156 131,256 16,233 359,16 257,95 19,215 265,172 32,248 364,129 65,260 224,255 330,256 352,248 " +
    "105,286 255,231 225,209 151,269 133,184 276,208 126,225 149,222"
  )
    .split(" ")
    .map((place) => place.split(",").map(Number));
  // for each member the friends with higher numbers
  const LATER = (
    "1 2 3 4 5 6 7 8 10 11 12 13 17 19 21 31; 2 3 7 13 17 19 21 30; 3 7 8 9 13 27 28 32; 7 12 13; 6 10; 6 10 " +
    "16; 16; ; 30 32 33; 33; ; ; ; 33; 32 33; 32 33; ; ; 32 33; 33; 32 33; ; 32 33; 25 27 29 32 33; 25 27 31; " +
    "31; 29 33; 33; 31 33; 32 33; 32 33; 32 33; 33;"
  ).split(";");
  const INSTRUCTOR = new Set("0 1 2 3 4 5 6 7 8 10 11 12 13 16 17 19 21".split(" ").map(Number)); // his side

  const ALL = d3.range(34);
  const EDGES = LATER.flatMap((friends, i) => (friends.match(/\d+/g) ?? []).map((j) => [i, Number(j)]));
  const FRIENDS = ALL.map((i) => EDGES.flatMap(([a, b]) => (a === i ? [b] : b === i ? [a] : [])));

  // how many ties away from a member each one is
  const distances = (from) => {
    const far = ALL.map((i) => (i === from ? 0 : undefined));
    let ring = [from];
    for (let steps = 1; ring.length; steps++) {
      ring = ring.flatMap((i) => FRIENDS[i].filter((j) => far[j] === undefined && (far[j] = steps)));
    }
    return far;
  };

  // one round for all 34 drops: row i holds what member i has of each drop
  const round = (X, rule, loops) => {
    const senders = ALL.map((i) => (loops ? [...FRIENDS[i], i] : FRIENDS[i]));
    const degree = senders.map((list) => list.length);
    return ALL.map((i) =>
      ALL.map((drop) => {
        const messages = senders[i].map(
          (j) => X[j][drop] * (rule === "gcn" ? 1 / Math.sqrt(degree[i] * degree[j]) : 1)
        );
        if (rule === "max") return Math.max(...messages);
        return d3.sum(messages) / (rule === "mean" ? degree[i] : 1);
      })
    );
  };
  // the chapter's measure: the mean of 1 - cosine over all pairs of rows
  const spread = (X) => {
    const unit = X.map((row) => row.map((value) => value / Math.hypot(...row)));
    const sum = ALL.map((drop) => d3.sum(ALL, (i) => unit[i][drop]));
    return 1 - d3.sum(sum, (value) => value * value) / 34 ** 2;
  };

  let known = {}; // the rounds so far, for one rule
  const after = (rounds, rule, loops) => {
    if (known.rule !== rule || known.loops !== loops)
      known = { rule, loops, steps: [ALL.map((i) => ALL.map((j) => (i === j ? 1 : 0)))] };
    while (known.steps.length <= rounds) known.steps.push(round(known.steps.at(-1), rule, loops));
    return known.steps[rounds];
  };

  const RULES = { mean: "the mean", sum: "the sum", max: "the maximum", gcn: "GCN's weighted sum" };
  const members = ALL.map((i) => [String(i)]);

  live.figure("messages", {
    title: "messages in a club",
    size: [460, 386],
    start: { node: "0", rounds: 1, rule: "mean", loops: true, reader: "33" },
    controls: [
      { kind: "choice", name: "node", label: "Drop on member", options: members },
      { kind: "choice", name: "rule", label: "Rule", options: [["mean"], ["sum"], ["max"], ["gcn", "GCN"]] },
      { kind: "range", name: "rounds", label: "Rounds", min: 0, max: 40 },
      { kind: "play", name: "rounds", label: "Play", max: 40, every: 400 },
      { kind: "switch", name: "loops", label: "Each also asks itself" },
      { kind: "choice", name: "reader", label: "Read at member", options: members },
    ],
    numbers: [
      ["reached", "Members with a part"],
      ["share", "At the member read, of the largest", 3],
      ["size", "log₁₀ of the largest", 3],
      ["spread", "Spread of all drops", 3],
    ],
    compute: ({ node, rounds, rule, loops, reader }) => {
      const X = after(rounds, rule, loops);
      const values = X.map((row) => row[Number(node)]);
      const largest = Math.max(...values);
      // what is equal in the limit, of the mean and of GCN
      const level = values.map((value, i) => value / (rule === "gcn" ? Math.sqrt(FRIENDS[i].length + loops) : 1));
      return {
        even: Math.min(...level) / Math.max(...level),
        reached: values.filter((value) => value > 0).length,
        share: values[Number(reader)] / largest,
        size: Math.log10(largest),
        spread: spread(X),
        shares: values.map((value) => value / largest),
        far: distances(Number(node)),
      };
    },
    say: ({ reached, spread, shares, far, even }, { node, rounds, rule, loops }) => {
      const self = loops ? "itself and " : "";
      const turn = `In each round every member takes ${RULES[rule]} over ${self}all friends.`;
      if (!rounds) return `Member ${node} alone has the drop. ${turn}`;
      if (rule === "max" ? reached === 34 : spread < 0.01) {
        const degree = `number of friends${loops ? " plus one" : ""}`;
        const least = `the smallest value is ${even.toFixed(2)} of the largest`;
        const limit = "In the limit all are equal, wherever the drop fell.";
        const rest = {
          mean: `${least}. ${limit}`,
          gcn: `${least}, each divided by the square root of the ${degree}. ${limit}`,
          sum: "the values have grown large, and their ratios come near those that any other drop leads to.",
          max: "everyone holds the same 1: who was near is forgotten.",
        };
        return `Over-smoothing: after ${live.many(rounds, "round")} ${rest[rule]}`;
      }
      const how = {
        max: " The maximum says who is reached, not by how many ways.",
        sum: " A sum counts the ways that lead there.",
      };
      const tops = ALL.filter((i) => shares[i] > 1 - 1e-12); // equal but for rounding
      const where = `at ${tops.length > 1 ? "members" : "member"} ${tops.join(", ").replace(/, (\d+)$/, " and $1")}`;
      const away = [...new Set(tops.map((i) => far[i]))].sort().join(" or ");
      const most = ` The largest is ${where}, ${away} ${away === "1" ? "tie" : "ties"} away.`;
      const ties = live.many(rounds, "tie");
      const limit = loops ? `at most ${ties} away` : `at the end of a walk of ${ties}`;
      const have = `${live.many(reached, "member")} ${reached === 1 ? "has" : "have"} a part: those ${limit}.`;
      return `${reached === 34 ? "All 34 members have a part." : have}${how[rule] ?? most}`;
    },
    draw: (svg, { shares, far }, { node, reader }) => {
      for (const [a, b] of EDGES) {
        const path = `M${PLACES[a]}L${PLACES[b]}`;
        svg.append("path").attr("class", "stroke thin").attr("stroke-opacity", 0.6).attr("d", path);
      }
      const shape = (i, names) => {
        const [x, y] = PLACES[i];
        if (INSTRUCTOR.has(i))
          return svg.append("circle").attr("cx", x).attr("cy", y).attr("r", 10).attr("class", names);
        return svg
          .append("path")
          .attr("d", `M${x - 9},${y - 9}h18v18h-18z`)
          .attr("class", names);
      };
      ALL.forEach((i) => {
        shape(i, "dot").style("fill", "var(--paper)").style("stroke", "none");
        shape(i, "dot d")
          .attr("fill-opacity", 0.6 * Math.sqrt(shares[i]))
          .style("stroke", "none");
        const names = [Number(node), Number(reader)].includes(i) ? "strong" : "";
        shape(i, `stroke ${shares[i] > 0 ? "d" : "thin"}`).style("stroke-width", names ? 4 : null);
        live.word(svg, ...PLACES[i], i, `middle small ${names}`);
      });
      // the same values as bars, in order of the ties to the drop
      const order = d3.sort(ALL, (i) => far[i]);
      const [left, column] = [10, 12.5];
      d3.groups(order, (i) => far[i]).reduce((x, [steps, group]) => {
        group.forEach((i, k) => {
          const high = 46 * shares[i];
          live.box(svg, x + column * k, 354 - high, column - 2, high, "", i === Number(reader) ? "d strong" : "d");
        });
        const wide = column * group.length - 2;
        svg.append("path").attr("class", "stroke thin").attr("d", `M${x},355h${wide}`);
        live.word(svg, x + wide / 2, 372, steps, "middle small strong");
        return x + wide + 6;
      }, left);
      live.word(svg, 450, 300, "the values, by ties from the drop", "small faint end");
    },
  });
})();
