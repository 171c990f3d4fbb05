// The page's part: takes a picture, hands its bytes to the library (classifier.c) and shows what comes back. Programs
// find the logits in document.body.dataset.logits and how many pictures there have been in dataset.pictures.
"use strict";

const element = (id) => document.getElementById(id);

// Calls `work` with a copy of the bytes in the library's memory; it returns null or where a message stands.
function callWithBytes(library, bytes, work) {
  const address = library._malloc(bytes.length);
  library.HEAPU8.set(bytes, address);
  const message = work(address, bytes.length);
  library._free(address);
  if (message !== 0)
    throw new Error(library.UTF8ToString(message));
}

async function fetchBytes(name) {
  const response = await fetch(name);
  if (!response.ok)
    throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

function showClasses(library) {
  element("classes").replaceChildren();
  for (let rank = 0; rank < Math.min(5, library._class_count()); ++rank) {
    const percent = library._probability(rank) / 10000;
    const row = document.createElement("li");
    const [name, bar, share] = ["name", "bar", "share"].map((part) => {
      const span = document.createElement("span");
      span.className = part;
      row.append(span);
      return span;
    });
    const label = library._label(rank);
    name.textContent = label !== 0 ? library.UTF8ToString(label) : `class ${library._class_index(rank)}`;
    bar.style.width = `${percent}%`;
    share.textContent = `${percent.toFixed(2)} %`;
    element("classes").append(row);
  }
}

function classify(library, bytes) {
  const begin = performance.now();
  callWithBytes(library, bytes, library._classify);
  const milliseconds = performance.now() - begin;
  showClasses(library);
  element("time").textContent = `${milliseconds.toFixed(1)} ms: decoded, resized and classified`;
  const first = library._logits() / 4;
  const logits = library.HEAP32.subarray(first, first + library._class_count());
  document.body.dataset.logits = JSON.stringify(Array.from(logits));
}

// One picture after the other, in the order in which they came.
let last = Promise.resolve();
let pictures = 0;
function take(library, source, bytes) {
  last = last.then(async () => {
    element("message").textContent = "";
    element("picture").src = source;
    try {
      classify(library, new Uint8Array(await bytes));
    } catch (error) {
      element("classes").replaceChildren();
      element("time").textContent = "";
      delete document.body.dataset.logits;
      element("message").textContent = error.message;
    }
    document.body.dataset.pictures = ++pictures;
  });
}

function takeFile(library, file) {
  if (file)
    take(library, URL.createObjectURL(file), file.arrayBuffer());
}

async function start() {
  const library = await Intvit();
  callWithBytes(library, await fetchBytes("cifar10_vit.safetensors"), library._open_model);
  const drop = element("drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    takeFile(library, event.dataTransfer.files[0]);
  });
  element("file").addEventListener("change", (event) => takeFile(library, event.target.files[0]));
  take(library, "chelsea.png", fetchBytes("chelsea.png"));
}

start().catch((error) => {
  element("message").textContent = error.message;
});
