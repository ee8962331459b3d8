// Opened from a disk, a browser loads neither modules nor data: say so instead of showing an empty page.
if (location.protocol === "file:") {
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("file-notice").hidden = false;
  });
}
