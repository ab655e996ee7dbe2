"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);

  // ---- data ------------------------------------------------------------------------------------------------------------
  const unpacked = (text, Type) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return Type === Uint8Array ? bytes : new Type(bytes.buffer);
  };
  const n = data.ids.length;
  const views = Object.fromEntries(Object.entries(data.views).map(([k, axes]) => [k, axes.map((a) => unpacked(a, Float32Array))]));
  const classes = { names: data.classes.names, codes: unpacked(data.classes.codes, Int32Array) };
  const redshifts = unpacked(data.redshifts, Float32Array);
  for (const one of data.colourings) {
    if (one.names) one.codes = unpacked(one.codes, Int32Array);
    else one.values = unpacked(one.values, Float32Array);
  }
  for (const fact of data.facts) {
    if (fact.names) fact.codes = unpacked(fact.codes, Int32Array);
    else fact.numbers = unpacked(fact.numbers, Float64Array);
  }
  const place = new Map(data.ids.map((id, i) => [id, i]));
  const ramp = data.ramp.map((colour, k) => [k / (data.ramp.length - 1), colour]);

  const drawsQuickly = (() => {
    const context = document.createElement("canvas").getContext("webgl");
    return context !== null;
  })();
  if (!drawsQuickly) delete views["3D"]; // which there is no other way to draw

  // ---- state, which stands in the address so that a view can be kept and sent --------------------------------------------
  const state = { view: "2D", colour: 0, object: -1, hidden: new Set(), off: new Set() };
  const readAddress = () => {
    const told = new URLSearchParams(location.hash.slice(1));
    state.view = Object.hasOwn(views, told.get("view")) ? told.get("view") : "2D";
    const k = Math.max(0, data.colourings.findIndex((one) => one.name === told.get("colour")));
    if (k !== state.colour) { state.colour = k; state.off.clear(); }
    state.object = place.has(told.get("object")) ? place.get(told.get("object")) : -1;
  };
  const writeAddress = () => {
    const told = new URLSearchParams();
    if (state.view !== "2D") told.set("view", state.view);
    if (state.colour) told.set("colour", data.colourings[state.colour].name);
    if (state.object >= 0) told.set("object", data.ids[state.object]);
    history.replaceState(null, "", "#" + told.toString());
  };

  // ---- the map -----------------------------------------------------------------------------------------------------------
  let members = []; // of each trace, which objects its points are
  const traceOf = (indices, marker) => {
    const axes = views[state.view];
    const solid = state.view === "3D";
    const trace = {
      type: solid ? "scatter3d" : drawsQuickly ? "scattergl" : "scatter",
      mode: "markers", hoverinfo: "none", showlegend: false,
      x: Float32Array.from(indices, (i) => axes[0][i]),
      y: Float32Array.from(indices, (i) => axes[1][i]),
      marker: { line: { width: 0 }, ...marker },
    };
    if (solid) trace.z = Float32Array.from(indices, (i) => axes[2][i]);
    members.push(indices);
    return trace;
  };
  // Distances mean the same along all axes, and the longest fits the window.
  const ratio = (axes) => {
    const extents = axes.map((axis) => {
      let low = Infinity, high = -Infinity;
      for (const v of axis) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      return high - low || 1;
    });
    const longest = Math.max(...extents);
    return Object.fromEntries(extents.map((extent, k) => ["xyz"[k], (1.35 * extent) / longest]));
  };
  const draw = () => {
    const one = data.colourings[state.colour];
    const axes = views[state.view];
    const solid = state.view === "3D";
    const many = Math.min(1, Math.sqrt(3000 / n));
    const size = Math.max(solid ? 1.6 : 2.4, (solid ? 3.2 : 6) * many);
    const groups = new Map();
    let count = 0;
    for (let i = 0; i < n; i++) {
      if (state.hidden.has(classes.codes[i]) || !Number.isFinite(axes[0][i])) continue;
      const key = one.names ? one.codes[i] : Number.isFinite(one.values[i]) ? 0 : -1;
      if (state.off.has(key)) continue;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(i);
      count++;
    }
    members = [];
    const traces = [];
    if (groups.has(-1)) traces.push(traceOf(groups.get(-1), { color: data.unknown, size: size * 0.8, opacity: 0.5 }));
    groups.delete(-1);
    // The common first, so that the rare lies on top.
    const pale = (k) => one.names && one.colours[k] === data.unknown;
    const order = [...groups.keys()].sort((a, b) => pale(b) - pale(a) || groups.get(b).length - groups.get(a).length);
    for (const key of order) {
      const indices = groups.get(key);
      if (one.names) {
        const rare = indices.length < 0.02 * n && one.name !== "cluster";
        traces.push(traceOf(indices, { color: one.colours[key], size: rare ? size * 1.45 : size, opacity: rare ? 0.95 : 0.7 }));
      } else {
        traces.push(traceOf(indices, {
          color: Float32Array.from(indices, (i) => one.values[i]), colorscale: ramp, cmin: one.limits[0], cmax: one.limits[1],
          size, opacity: 0.8, showscale: false,
        }));
      }
    }
    const o = state.object;
    if (o >= 0 && Number.isFinite(axes[0][o])) {
      const ring = solid ? { color: "#111827", size: size * 3, symbol: "circle-open", line: { width: 3, color: "#111827" } }
        : { color: "rgba(0,0,0,0)", size: size + 9, line: { width: 2.4, color: "#111827" } };
      traces.push(traceOf([o], ring));
    }
    const bare = { visible: false, showgrid: false, zeroline: false };
    const box = { title: { text: "" }, showticklabels: false, showspikes: false, gridcolor: "#e5e7eb", zeroline: false, backgroundcolor: "#fbfcfe", showbackground: true };
    const layout = {
      margin: solid ? { l: 0, r: 0, t: 0, b: 0 } : { l: 14, r: 14, t: 14, b: 14 }, paper_bgcolor: "#f8fafc", plot_bgcolor: "#f8fafc", hovermode: "closest", dragmode: solid ? "orbit" : "pan",
      xaxis: bare, yaxis: { ...bare, scaleanchor: "x" }, showlegend: false, uirevision: state.view,
      scene: { xaxis: box, yaxis: box, zaxis: box, aspectmode: "manual", aspectratio: solid ? ratio(axes) : undefined, camera: { eye: { x: 1.15, y: 1.15, z: 0.75 } } },
    };
    // Every button by name: the library's own set has one that sends all data to its maker.
    const buttons = solid ? [["toImage"], ["orbitRotation", "tableRotation", "zoom3d", "pan3d"], ["resetCameraDefault3d"]]
      : [["toImage"], ["pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]];
    const config = { responsive: true, displaylogo: false, scrollZoom: true, showTips: false, plotlyServerURL: "", modeBarButtons: buttons };
    Plotly.react("plot", traces, layout, config);
    at("shown").textContent = (count === n ? "" : count.toLocaleString("en") + " of ") + n.toLocaleString("en") + " objects" +
      (state.view === "2D" && data.projected ? ", the map of three dimensions from its widest side" : "");
  };

  // ---- what stands beside it -----------------------------------------------------------------------------------------------
  const entry = (text, count, colour, pressed, toggle) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(pressed));
    button.title = text;
    if (colour) {
      const dot = document.createElement("span");
      dot.className = "dot";
      dot.style.background = colour;
      button.append(dot);
    }
    for (const [style, words] of [["name", text], ["count", count.toLocaleString("en")]]) {
      const part = document.createElement("span");
      part.className = style;
      part.textContent = words;
      button.append(part);
    }
    button.addEventListener("click", toggle);
    item.append(button);
    item.classList.toggle("wide", text.length > 16);
    return item;
  };
  const tally = (codes, length) => {
    const counts = new Array(length + 1).fill(0); // the last: not known
    for (const code of codes) counts[code < 0 ? length : code]++;
    return counts;
  };
  const flip = (set, key) => { if (!set.delete(key)) set.add(key); };
  const legend = () => {
    const one = data.colourings[state.colour];
    at("legend-title").textContent = one.title + ": " + (one.known === n ? "" : one.known.toLocaleString("en") + " of ") + n.toLocaleString("en") + " objects";
    at("scale").hidden = Boolean(one.names);
    const items = [];
    let unknown = n - one.known;
    if (one.names) {
      const counts = tally(one.codes, one.names.length);
      one.names.forEach((name, k) => items.push([name, counts[k], one.colours[k], k]));
    } else {
      at("bar").style.background = "linear-gradient(to right, " + data.ramp.join(", ") + ")";
      const [low, high] = one.limits;
      at("ticks").replaceChildren(...one.ticks.map((tick, k) => {
        const mark = document.createElement("span");
        mark.style.left = (100 * (tick - low)) / (high - low) + "%";
        mark.textContent = one.texts[k];
        return mark;
      }));
    }
    if (unknown) items.push(["not known, or does not apply", unknown, data.unknown, -1]);
    at("legend").replaceChildren(...items.map(([name, count, colour, key]) =>
      entry(name, count, colour, !state.off.has(key), () => { flip(state.off, key); legend(); draw(); })));
    const totals = tally(classes.codes, classes.names.length);
    const kinds = classes.names.map((name, k) => [name, totals[k], k]);
    if (totals[classes.names.length]) kinds.push(["no class", totals[classes.names.length], -1]);
    at("filter").hidden = kinds.length < 2 || (one.name === "class" && !state.hidden.size); // where the legend does the same
    at("classes").replaceChildren(...kinds.map(([name, count, key]) =>
      entry(name, count, "", !state.hidden.has(key), () => { flip(state.hidden, key); legend(); draw(); })));
  };

  // ---- one object ------------------------------------------------------------------------------------------------------------
  const written = (fact, i) => {
    if (fact.names) return fact.codes[i] < 0 ? null : fact.names[fact.codes[i]];
    return Number.isFinite(fact.numbers[i]) ? String(Number(fact.numbers[i].toPrecision(fact.digits))) : null;
  };
  const listed = (list, facts, i) => {
    const parts = [];
    for (const fact of facts) {
      const value = written(fact, i);
      if (value === null) continue;
      const term = document.createElement("dt"), told = document.createElement("dd");
      term.textContent = fact.label === "redshift" ? "z" : fact.label;
      told.textContent = value;
      parts.push(term, told);
    }
    list.replaceChildren(...parts);
  };
  const first = new Set(["class", "subclass", "redshift", "targets", "class_predicted"]);
  const show = (i) => {
    at("object").hidden = i < 0;
    at("hint").hidden = i >= 0;
    if (i < 0) return;
    const [picture, spectrum] = data.cards[i] || [null, null];
    at("id").textContent = data.ids[i];
    at("picture").hidden = !picture;
    at("top").classList.toggle("bare", !picture);
    if (picture) at("picture").src = "data:image/webp;base64," + picture;
    listed(at("facts"), data.facts.filter((fact) => first.has(fact.label)), i);
    listed(at("more"), data.facts.filter((fact) => !first.has(fact.label)), i);
    at("spectrum").hidden = !spectrum;
    if (spectrum) drawSpectrum(spectrum, i);
  };
  const drawSpectrum = (told, i) => {
    const canvas = at("spectrum"), density = window.devicePixelRatio || 1;
    const wide = canvas.clientWidth, high = canvas.clientHeight;
    canvas.width = wide * density;
    canvas.height = high * density;
    const pen = canvas.getContext("2d");
    pen.scale(density, density);
    const left = 34, right = wide - 6, top = 32, bottom = high - 30;
    const points = unpacked(told.points, Uint8Array);
    const x = (w) => left + ((right - left) * (w - told.first)) / (told.last - told.first || 1);
    const level = (v) => bottom - ((bottom - top) * v) / 254;
    const y = (flux) => level((254 * (flux - told.low)) / (told.high - told.low));
    pen.font = "10px system-ui, sans-serif";
    pen.fillStyle = pen.strokeStyle = "#6b7280";
    pen.lineWidth = 0.8;
    pen.strokeRect(left, top, right - left, bottom - top);
    pen.textAlign = "center";
    const each = [500, 1000, 2000, 5000].find((step) => (told.last - told.first) / step < 6) || 10000;
    for (let w = Math.ceil(told.first / each) * each; w <= told.last; w += each) {
      pen.fillRect(x(w) - 0.4, bottom, 0.8, 4);
      pen.fillText(String(w), x(w), bottom + 14);
    }
    pen.fillText("wavelength (Å)", (left + right) / 2, bottom + 27);
    pen.textAlign = "right";
    const raw = (told.high - told.low) / 3, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw);
    for (let k = Math.ceil(told.low / step); k * step <= told.high; k++) {
      pen.fillRect(left - 4, y(k * step) - 0.4, 4, 0.8);
      pen.fillText(String(Number((k * step).toPrecision(3))), left - 6, y(k * step) + 3);
    }
    pen.textAlign = "left";
    pen.fillText(told.relative ? "relative flux" : "10⁻¹⁷ erg/s/cm²/Å", 2, 9);
    if (told.low < 0) { pen.setLineDash([3, 3]); pen.beginPath(); pen.moveTo(left, y(0)); pen.lineTo(right, y(0)); pen.stroke(); pen.setLineDash([]); }
    // Lines where they would be at this redshift; the best known have their names where there is room.
    const z = redshifts[i];
    if (Number.isFinite(z)) {
      const name = classes.names[classes.codes[i]];
      const known = Object.hasOwn(data.lines, name) ? data.lines[name] : data.lines.GALAXY;
      const rank = (line) => { const k = data.prominent.indexOf(line[0]); return k < 0 ? 99 : k; };
      const named = [];
      pen.textAlign = "center";
      for (const [label, rest] of [...known].sort((a, b) => rank(a) - rank(b))) {
        const w = rest * (1 + z);
        if (w < told.first || w > told.last) continue;
        pen.strokeStyle = "#e9c9a8";
        pen.beginPath(); pen.moveTo(x(w), top); pen.lineTo(x(w), bottom); pen.stroke();
        const half = pen.measureText(label).width / 2 + 3;
        if (x(w) - half > left - 30 && x(w) + half < wide && named.every(([c, h]) => Math.abs(c - x(w)) > h + half)) {
          pen.fillStyle = "#b45309";
          pen.fillText(label, x(w), top - 5);
          named.push([x(w), half]);
        }
      }
    }
    pen.strokeStyle = "#111827";
    pen.lineWidth = 1;
    pen.beginPath();
    let down = false;
    points.forEach((value, k) => {
      if (value === 255) { down = false; return; }
      const share = k / Math.max(points.length - 1, 1);
      const w = told.log ? told.first * (told.last / told.first) ** share : told.first + share * (told.last - told.first);
      if (down) pen.lineTo(x(w), level(value)); else pen.moveTo(x(w), level(value));
      down = true;
    });
    pen.stroke();
  };

  // ---- hands on ----------------------------------------------------------------------------------------------------------------
  const choose = (i) => { state.object = i; writeAddress(); show(i); draw(); };
  const settle = () => {
    at("colour").value = String(state.colour);
    for (const button of at("views").children) button.setAttribute("aria-pressed", String(button.textContent === state.view));
    legend();
    draw();
    show(state.object);
  };
  data.colourings.forEach((one, k) => at("colour").append(new Option(one.title, String(k))));
  at("colour").addEventListener("change", () => { state.colour = Number(at("colour").value); state.off.clear(); writeAddress(); settle(); });
  for (const name of ["2D", "3D"]) {
    if (!data.views[name] || Object.keys(data.views).length < 2) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.disabled = !views[name];
    if (button.disabled) button.title = "this browser can't draw in three dimensions: it has no WebGL";
    button.addEventListener("click", () => { state.view = name; writeAddress(); settle(); });
    at("views").append(button);
  }
  at("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = at("wanted").value.trim();
    const found = place.has(wanted) ? place.get(wanted) : wanted ? data.ids.findIndex((id) => id.includes(wanted)) : -1;
    at("wanted").setCustomValidity(found < 0 ? "no object on this map has this in its id" : "");
    at("wanted").reportValidity();
    if (found >= 0) choose(found);
  });
  at("wanted").addEventListener("input", () => at("wanted").setCustomValidity(""));
  window.addEventListener("hashchange", () => { readAddress(); settle(); });
  readAddress();
  settle();
  const pointed = (event) => { const p = event.points[0]; return members[p.curveNumber][p.pointNumber]; };
  const plot = at("plot");
  plot.on("plotly_hover", (event) => show(pointed(event)));
  plot.on("plotly_unhover", () => show(state.object));
  // Not from within the library's own event: it is still at work on the points that are to be drawn anew.
  plot.on("plotly_click", (event) => { const i = pointed(event); setTimeout(() => choose(i === state.object ? -1 : i), 0); });
  document.documentElement.dataset.ready = "yes";
})();
