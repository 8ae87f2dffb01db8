# One image for every part: `duban web`, `duban worker`, or `duban serve` on one machine.
FROM python:3.11-slim AS build
WORKDIR /src
COPY locks/runtime.txt locks/runtime.txt
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels -r locks/runtime.txt
COPY . .
# An image without the panel's scripts would be half of one.
ENV DUBAN_BUNDLE=require
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels duban && rm -rf /wheels \
    && useradd --system --create-home --home-dir /var/lib/duban duban
USER duban
WORKDIR /var/lib/duban
ENV DUBAN_DATA=/var/lib/duban/data
# A volume takes its owner from the folder that is there.
RUN mkdir -m 700 data
VOLUME /var/lib/duban/data
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["duban", "serve", "--host", "0.0.0.0"]
